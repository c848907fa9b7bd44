import { getEventListeners } from "node:events";
import OpenAI from "openai";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSimulatedFetch, type SimulatedOptions } from "../../../src/plugins/simulated/wire/fetch.ts";

const base = "http://simulated.invalid/v1";
const model = "simulated";
const messages = [{ role: "user" as const, content: "Hello" }];
const long = [{ role: "user" as const, content: "Write 2000 words about wind" }];

function stream(options: SimulatedOptions, turns: readonly object[], signal?: AbortSignal): Promise<Response> {
  const body = JSON.stringify({ model, messages: turns, stream: true });
  return createSimulatedFetch(options)(`${base}/chat/completions`, { method: "POST", body, ...(signal ? { signal } : {}) });
}

function clientOf(options: SimulatedOptions): OpenAI {
  return new OpenAI({ apiKey: "simulated", baseURL: base, fetch: createSimulatedFetch(options), maxRetries: 0 });
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("pace", () => {
  it("is not faster than it says", async () => {
    const start = performance.now();
    const text = await (await stream({ tokensPerSecond: 60 }, messages)).text();
    const tokens = text.split('"delta":{"content":').length - 1;
    expect(tokens).toBeGreaterThan(10);
    expect(performance.now() - start).toBeGreaterThan(((tokens - 1) / 60) * 1000 * 0.95);
  });

  it("is 60 tokens a second unless given, also for an answer without a stream", async () => {
    const start = performance.now();
    const { choices } = await clientOf({}).chat.completions.create({ model, messages });
    const words = choices[0]?.message.content?.split(" ").length ?? 0;
    expect(performance.now() - start).toBeGreaterThan(((words - 2) / 60) * 1000);
  });

  it("uses no timer at full speed", async () => {
    const timer = vi.spyOn(globalThis, "setTimeout");
    const text = await (await stream({ tokensPerSecond: 0 }, long)).text();
    expect(text.split('"delta":{"content":').length).toBeGreaterThan(2000);
    expect(timer).not.toHaveBeenCalled();
  });

  it("sends many tokens a chunk at full speed and lets the event loop turn between chunks", async () => {
    let turned = Infinity;
    let chunks = 0;
    const body = (await stream({ tokensPerSecond: 0 }, long)).body;
    setImmediate(() => {
      turned = chunks;
    });
    for await (const _ of body ?? []) chunks += 1;
    expect(chunks).toBeGreaterThan(2);
    expect(chunks).toBeLessThan(20);
    expect(turned).toBeLessThan(chunks);
  });

  it("gathers tokens into one chunk above 200 tokens a second", async () => {
    const body = (await stream({ tokensPerSecond: 2000 }, [{ role: "user", content: "Write 300 words about wind" }])).body;
    let chunks = 0;
    for await (const _ of body ?? []) chunks += 1;
    expect(chunks).toBeLessThan(60);
  });

  it("delays the first token alone by firstTokenMs", async () => {
    const start = performance.now();
    const reader = (await stream({ tokensPerSecond: 0, firstTokenMs: 300 }, messages)).body?.getReader();
    const role = await reader?.read();
    expect(new TextDecoder().decode(role?.value)).toContain('"role":"assistant"');
    await reader?.read();
    expect(performance.now() - start).toBeGreaterThan(295);
  });
});

describe("abort", () => {
  it("before the call refuses it with the signal's reason", async () => {
    const reason = new Error("not now");
    await expect(stream({}, messages, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("before headers ends a waiting answer at once and leaves no timer", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const control = new AbortController();
    const fetch = createSimulatedFetch({ tokensPerSecond: 1 });
    const waiting = fetch(`${base}/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model, messages }),
      signal: control.signal,
    });
    const ended = expect(waiting).rejects.toThrow("gone");
    await Promise.resolve();
    control.abort(new Error("gone"));
    await ended;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("during the stream errors the body with the reason, and leaves no timer and no listener", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const control = new AbortController();
    const reader = (await stream({ tokensPerSecond: 10 }, messages, control.signal)).body?.getReader();
    await reader?.read();
    const reading = expect(reader?.read()).rejects.toThrow("enough");
    await Promise.resolve();
    expect(vi.getTimerCount()).toBe(1);
    control.abort(new Error("enough"));
    await reading;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(control.signal, "abort")).toHaveLength(0);
  });

  it("is what leaving the body means, too", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const control = new AbortController();
    const reader = (await stream({ tokensPerSecond: 10 }, messages, control.signal)).body?.getReader();
    await reader?.read();
    const reading = reader?.read();
    await reader?.cancel();
    await reading;
    expect(vi.getTimerCount()).toBe(0);
    expect(getEventListeners(control.signal, "abort")).toHaveLength(0);
  });

  it("leaves no listener after a complete answer", async () => {
    const control = new AbortController();
    await (await stream({ tokensPerSecond: 0 }, messages, control.signal)).text();
    await (
      await createSimulatedFetch({ tokensPerSecond: 1000 })(`${base}/responses`, {
        method: "POST",
        body: JSON.stringify({ model, input: "Hi" }),
        signal: control.signal,
      })
    ).text();
    expect(getEventListeners(control.signal, "abort")).toHaveLength(0);
  });

  it.each([0, 60])("through the SDK ends its loop, at %i tokens a second", async (tokensPerSecond) => {
    const control = new AbortController();
    const turns = [{ role: "user" as const, content: "Write 20000 words about wind" }];
    const events = await clientOf({ tokensPerSecond }).chat.completions.create(
      { model, messages: turns, stream: true },
      { signal: control.signal },
    );
    let seen = 0;
    setTimeout(() => control.abort(), 20);
    for await (const _ of events) seen += 1;
    expect(control.signal.aborted).toBe(true);
    expect(seen).toBeLessThan(20_000);
  });

  it("through the SDK before headers throws its own abort error", async () => {
    const control = new AbortController();
    const waiting = clientOf({ tokensPerSecond: 1 }).responses.create({ model, input: "Hi" }, { signal: control.signal });
    const ended = expect(waiting).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    setTimeout(() => control.abort(), 10);
    await ended;
  });
});
