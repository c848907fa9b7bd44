import * as nodeRunner from "node:test";
import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import type { ConversationMessage, RunContext, RunEventBody, RunRequest } from "#weftline";
import { fakeRuntime, runtimeConformance, sayText, type FakeTurn, type TestRunner } from "../../src/testing/index.ts";

function toldBy(messages: readonly ConversationMessage[]): string {
  const last = messages.findLast(({ role }) => role === "USER");
  return last?.role === "USER" ? last.parts.map((part) => (part.type === "text" ? part.text : "")).join("") : "";
}

/** Does by itself what the suite's script has a model do. */
async function* turn(request: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  const told = toldBy(request.messages);
  yield { kind: "state.patched", patch: { told } };
  const [, name, json] = /Use (\S+) (\{.*\})/.exec(told) ?? [];
  if (name !== undefined && json !== undefined) yield* callFirst(name, json, request, ctx);
  if (told.includes("slowly")) yield* sayText("word ".repeat(2_000), { key: "slow", pauseMs: 20, signal: ctx.signal });
  else if (told.includes("Break")) yield* sayText('{"colour":7}');
  else if (told.includes("Forget")) yield* sayText("Red, I would say.");
  else if (request.outputSchema) yield* sayText('{"colour":"red"}');
  else yield* sayText(`I heard: ${told}`, { key: "last" });
}

async function* callFirst(name: string, json: string, { messages }: RunRequest, ctx: RunContext): AsyncGenerator<RunEventBody> {
  if (!messages.some((message) => message.role === "ASSISTANT" && message.toolCalls.length > 0)) {
    yield { kind: "step.started", step: "ask", name: "fake", stepKind: "MODEL" };
    yield { kind: "message.started", message: "ask" };
    ctx.toolRequested({ callId: "call", name, message: "ask", part: 0 });
    ctx.toolArguments("call", json);
    yield { kind: "message.finished", message: "ask", status: "COMPLETE" };
    yield { kind: "usage.recorded", step: "ask", provider: "fake", model: "fake", inputTokens: 1, outputTokens: 1, estimated: true };
    yield { kind: "step.finished", step: "ask", status: "SUCCEEDED" };
  }
  await ctx.callTools([{ callId: "call", name, arguments: json }]);
}

runtimeConformance("a fake runtime", { plugins: () => [fakeRuntime({ turn })], framework: "fake", model: "none" }).registerWith({
  describe,
  it,
});

const plain: FakeTurn = async function* (request) {
  yield { kind: "message.started", message: "1" };
  yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: `I heard: ${toldBy(request.messages)}` };
  yield { kind: "message.finished", message: "1", status: "COMPLETE" };
};
const features = { tools: false, interrupts: false, resume: false, steps: false, state: false, structuredOutput: false, usage: false };

describe("the suite", () => {
  it("registers with any runner that has describe and it, Node's own among them", () => {
    const asked: string[] = [];
    const runner: TestRunner = { describe: (name, body) => (asked.push(name), body()), it: (name) => asked.push(name) };
    const suite = runtimeConformance("x", { plugins: () => [], framework: "x" });
    suite.registerWith(runner);
    expect(asked).toEqual(["x", ...suite.checks.map(({ name }) => name)]);
    expect(suite.checks.length).toBeGreaterThan(40);
    expect({ describe: nodeRunner.describe, it: nodeRunner.it } satisfies TestRunner).toBeTruthy();
  });

  const failures = async (options: Parameters<typeof fakeRuntime>[0], about = /./): Promise<string[]> => {
    const suite = runtimeConformance("x", { plugins: () => [fakeRuntime(options)], framework: "fake", model: "none" });
    const wanted = suite.checks.filter(({ name }) => !/cancel|fifty/.test(name) && about.test(name));
    const settled = await Promise.allSettled(wanted.map(({ run }) => run()));
    return settled.flatMap((each, index) => (each.status === "rejected" ? [wanted[index]?.name ?? ""] : []));
  };

  it("lets a runtime pass that does little and says so", async () => {
    expect(await failures({ turn: plain, features })).toEqual([]);
  });

  it("keeps what it saw: which check exercised which feature", async () => {
    const suite = runtimeConformance("x", { plugins: () => [fakeRuntime({ turn })], framework: "fake", model: "none" });
    expect(suite.exercised.size).toBe(0);
    for (const check of suite.checks) if (check.exercises.includes("interrupts")) await check.run();
    expect(Object.fromEntries(suite.exercised)).toEqual({
      interrupts: ["waits for an approval that nobody else can give, survives a restart, and resumes once"],
      resume: ["waits for an approval that nobody else can give, survives a restart, and resumes once"],
    });
  });

  it("finds a runtime that asks for an approval without saying that it can", async () => {
    expect(await failures({ turn, features: { interrupts: false, resume: false } }, /approval/)).toContain(
      "waits for an approval that nobody else can give, survives a restart, and resumes once",
    );
  });

  it("finds a runtime that declares what it does not do", async () => {
    expect(await failures({ turn: plain, features: { ...features, state: true } })).toEqual([
      "does what it declares, and does not do what it does not declare",
    ]);
    expect(await failures({ turn: plain, features: { ...features, structuredOutput: true } }, /Schema|declare/)).toEqual([
      "answers by a JSON Schema of the run and of the agent itself, or the agent's health says that it cannot",
    ]);
  });

  it("finds a runtime that does what it does not declare", async () => {
    expect(await failures({ turn, features: { ...features, structuredOutput: true, interrupts: true, resume: true } })).toEqual([
      "does what it declares, and does not do what it does not declare",
    ]);
  });

  it("finds a runtime that leaves a message open", async () => {
    const open: FakeTurn = async function* () {
      yield { kind: "message.started", message: "1" };
    };
    expect(await failures({ turn: open, features }, /order/)).toContain(
      "tells a run in the order of the protocol, without a gap, and leaves nothing open",
    );
  });

  it("finds an adapter that reads its provider as the recipes do: it takes half an answer for whole, and waits for ever", async () => {
    const forEver = new AbortController();
    const isSilent = Promise.withResolvers<void>();
    const recipe: FakeTurn = async function* ({ messages }, { model }) {
      const client = new OpenAI({ apiKey: await model.apiKey(), baseURL: model.baseURL, timeout: model.timeoutMs, logLevel: "off" });
      yield { kind: "message.started", message: "1" };
      const asked = [{ role: "user", content: toldBy(messages) }] as const;
      for await (const { choices } of await client.chat.completions.create(
        { model: model.model, messages: [...asked], stream: true },
        { signal: forEver.signal },
      )) {
        const text = choices[0]?.delta.content ?? "";
        if (toldBy(messages).includes("silence within")) isSilent.resolve();
        if (text !== "") yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text };
      }
      yield { kind: "message.finished", message: "1", status: "COMPLETE" };
    };
    const runtime = { framework: "fake", model: "chat" } as const;
    const suite = runtimeConformance("x", { ...runtime, plugins: () => [fakeRuntime({ turn: recipe, features })] });
    const says = (of: string): Promise<string> => {
      const check = suite.checks.find(({ name }) => name.startsWith("on the wire") && name.includes(of));
      return check ? check.run().then(() => "passed", String) : Promise.reject(new Error(`No check is about ${of}.`));
    };
    const ofSilence = says("silence within an answer");
    expect(await says("a stream that ends too soon")).toMatch(/SUCCEEDED/);
    expect(await says("status 401")).toMatch(/INTERNAL/);
    expect(await says("a connection that ends within the answer")).toMatch(/INTERNAL/);
    expect(await says("comments that keep the line open")).toBe("passed");
    expect(await says("a stream without [DONE]")).toBe("passed");
    await isSilent.promise;
    // It takes longer than the patience of an adapter that has some.
    expect(await says("words that take their time")).toBe("passed");
    expect(await Promise.race([ofSilence, "it waits"])).toBe("it waits");
    forEver.abort();
    expect(await ofSilence).toMatch(/SUCCEEDED|INTERNAL/);
  });
});
