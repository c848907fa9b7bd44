import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { WeftlineError } from "../../../src/core/index.ts";
import { allWordsOf, fault, says } from "./fault.ts";
import { plainAnswers, beginStream, dataEvent, providerServer, respondJson, namedEvent } from "../../../src/testing/index.ts";
import { bindingTo, fakeKey, only, play, textOf, ways } from "./play.ts";

describe.each(ways)("a fault over $api with $framework", (way) => {
  const { framework, api } = way;
  const { begin, text, end, done } = plainAnswers[api];

  it.each([401, 403])("status %i is PROVIDER_AUTH and final, and repeats nothing of what the provider said", async (status) => {
    const { error } = await fault(way, respondJson(status, says(`Incorrect API key provided: ${fakeKey}.`)));
    expect(error).toMatchObject({ code: "PROVIDER_AUTH", retryable: false, details: { provider: "test", status } });
    expect(error.message).toBe(`The model provider test refused the credentials (status ${status}).`);
  });

  it.each([
    { headers: { "retry-after": "7" }, waits: 7_000 },
    { headers: { "retry-after": "7", "retry-after-ms": "120" }, waits: 120 },
    { headers: {}, waits: undefined },
  ])("status 429 is PROVIDER_RATE_LIMITED and says how long to wait: $headers", async ({ headers, waits }) => {
    const { error } = await fault(way, respondJson(429, says("Slow down."), headers as Record<string, string>));
    expect(error).toMatchObject({ code: "PROVIDER_RATE_LIMITED", retryable: true });
    expect(error.details.retryAfterMs).toBe(waits);
  });

  it("status 429 for a quota that is used up is not tried again", async () => {
    const { error } = await fault(way, respondJson(429, says("You exceeded your current quota.", "insufficient_quota")));
    expect(error).toMatchObject({ code: "PROVIDER_RATE_LIMITED", retryable: false });
  });

  it.each([500, 502, 503])("status %i is PROVIDER_FAILED and may pass", async (status) => {
    const { error } = await fault(way, respondJson(status, says(`Trouble with Bearer ${fakeKey} here.`), { "x-request-id": "req_7" }));
    expect(error).toMatchObject({ code: "PROVIDER_FAILED", retryable: true, details: { status, requestId: "req_7" } });
    expect(error.message).toContain("Trouble with Bearer [secret] here.");
  });

  it.each([400, 404, 422])("status %i is PROVIDER_REJECTED with the provider's words", async (status) => {
    const { error } = await fault(way, respondJson(status, says(`The model does not exist for ${fakeKey}.`)));
    expect(error).toMatchObject({ code: "PROVIDER_REJECTED", retryable: false, details: { status } });
    expect(error.message).toContain("The model does not exist for [secret].");
  });

  it.each([
    { status: 408, code: "PROVIDER_TIMEOUT" },
    { status: 504, code: "PROVIDER_TIMEOUT" },
    { status: 409, code: "PROVIDER_FAILED" },
  ])("status $status is $code and may pass", async ({ status, code }) => {
    const { error } = await fault(way, respondJson(status, says(`Not now, ${fakeKey}.`)));
    expect(error).toMatchObject({ code, retryable: true, details: { provider: "test", status } });
  });

  it("headers that come and no body after them are PROVIDER_TIMEOUT", async () => {
    const { error } = await fault(way, (response) => void response.writeHead(500, { "content-type": "application/json" }).flushHeaders(), {
      timeoutMs: 300,
    });
    expect(error).toMatchObject({ code: "PROVIDER_TIMEOUT", retryable: true });
  });

  it("a page that is not JSON is told in few words", async () => {
    const { error } = await fault(
      way,
      (response) => void response.writeHead(502, { "content-type": "text/html" }).end(`<html>${"x".repeat(5_000)}</html>`),
    );
    expect(error.code).toBe("PROVIDER_FAILED");
    expect(error.message.length).toBeLessThan(700);
  });

  it("a server that never answers is PROVIDER_TIMEOUT", async () => {
    const { error } = await fault(way, () => undefined, { timeoutMs: 400 });
    expect(error).toMatchObject({ code: "PROVIDER_TIMEOUT", retryable: true });
  });

  it("a server that falls silent in the middle is PROVIDER_TIMEOUT, and hears of it", async () => {
    await using server = await providerServer((response) => {
      beginStream(response);
      response.write(begin + text("Half an "));
    });
    const played = await play({ framework, model: bindingTo(server.baseURL, api, { timeoutMs: 200 }) });
    expect(played.error).toMatchObject({ code: "PROVIDER_TIMEOUT" });
    expect(textOf(played)).toBe("Half an ");
    expect(await server.seen[0]?.closed).toBe("cut");
  });

  it("a slow stream that goes on is no timeout", async () => {
    const { error, heard } = await fault(
      way,
      async (response) => {
        beginStream(response);
        response.write(begin);
        for (const word of ["a ", "b ", "c ", "d"]) {
          await new Promise((resolve) => setTimeout(resolve, 120));
          response.write(text(word));
        }
        response.end(end + done);
      },
      { timeoutMs: 300 },
    );
    expect(error).toBeUndefined();
    expect(textOf({ heard, error })).toBe("a b c d");
  });

  it("a clean end without the last event is STREAM_TRUNCATED, not a short answer", async () => {
    const { error, heard } = await fault(way, (response) => {
      beginStream(response);
      response.end(begin + text("Half an ") + done);
    });
    expect(error).toMatchObject({ code: "STREAM_TRUNCATED", retryable: true });
    expect(only({ heard, error }, "message.finished")).toEqual([]);
  });

  it("a connection that breaks in the middle is CONNECTION_LOST", async () => {
    const { error, heard } = await fault(way, (response) => {
      beginStream(response);
      response.write(begin + text("Half an "), () => setTimeout(() => response.destroy(), 20));
    });
    expect(error).toMatchObject({ code: "CONNECTION_LOST", retryable: true });
    expect(textOf({ heard, error })).toBe("Half an ");
  });

  it("a connection that breaks behind the last word has broken nothing", async () => {
    const { error, heard } = await fault(way, (response) => {
      beginStream(response);
      response.write(begin + text("All of it.") + end, () => setTimeout(() => response.destroy(), 20));
    });
    expect(error).toBeUndefined();
    expect(textOf({ heard, error })).toBe("All of it.");
    expect(only({ heard, error }, "usage.recorded")[0]).toMatchObject({
      inputTokens: 11,
      outputTokens: 7,
      cachedInputTokens: 3,
      reasoningTokens: 2,
    });
  });

  it("an error event within the stream keeps the provider's code", async () => {
    const { error } = await fault(way, (response) => {
      beginStream(response);
      const event = { type: "error", code: "server_error", message: `Broken for ${fakeKey}`, param: null };
      response.end(
        begin + text("Half") + (api === "responses" ? namedEvent(event) : `event: error\n${dataEvent(says(event.message, event.code))}`),
      );
    });
    expect(error).toMatchObject({ code: "PROVIDER_FAILED", retryable: true, details: { status: "server_error" } });
    expect(error.message).toContain("Broken for [secret]");
  });

  it("an error event about a rate limit is PROVIDER_RATE_LIMITED", async () => {
    const { error } = await fault(way, (response) => {
      beginStream(response);
      response.end(begin + dataEvent(says("Slow down.", "rate_limit_exceeded")));
    });
    expect(error).toMatchObject({ code: "PROVIDER_RATE_LIMITED", retryable: true });
  });

  it("an event that is not JSON is PROVIDER_FAILED", async () => {
    const { error } = await fault(way, (response) => {
      beginStream(response);
      response.end(`${begin}data: {"half":\n\n`);
    });
    expect(error).toMatchObject({ code: "PROVIDER_FAILED" });
  });

  it("a server that is not there is PROVIDER_UNREACHABLE", async () => {
    const socket = createServer().listen(0, "127.0.0.1");
    await once(socket, "listening");
    const { port } = socket.address() as { port: number };
    await new Promise((resolve) => socket.close(resolve));
    const { error } = await play({ framework, model: bindingTo(`http://127.0.0.1:${port}/v1`, api) });
    expect(error).toMatchObject({ code: "PROVIDER_UNREACHABLE", retryable: true });
    expect(allWordsOf(error)).not.toContain(fakeKey);
  });

  it("text split in the middle of a character arrives whole", async () => {
    const { error, heard } = await fault(way, async (response) => {
      beginStream(response);
      const bytes = Buffer.from(begin + text("Grüße 🎈 из 東京") + end + done);
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        if (byte > 127) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(error).toBeUndefined();
    expect(textOf({ heard, error })).toBe("Grüße 🎈 из 東京");
  });

  it("comments that keep the connection alive are passed over", async () => {
    const { error, heard } = await fault(way, (response) => {
      beginStream(response);
      response.end(`: ping\n\n${begin}: ping\n\n${text("Hi")}:\n\n${end}${done}`);
    });
    expect(error).toBeUndefined();
    expect(textOf({ heard, error })).toBe("Hi");
  });

  it("a missing [DONE] is no matter", async () => {
    const { error } = await fault(way, (response) => {
      beginStream(response);
      response.end(begin + text("Hi") + end);
    });
    expect(error).toBeUndefined();
  });

  it("an abort ends the turn and closes the connection", async () => {
    await using server = await providerServer((response) => {
      beginStream(response);
      response.write(begin + text("Half an "));
    });
    const abort = new AbortController();
    const reason = new WeftlineError("RUN_CANCELLED");
    const played = await play({
      framework,
      model: bindingTo(server.baseURL, api),
      signal: abort.signal,
      onHeard: ({ kind }) => {
        if (kind === "message.delta") abort.abort(reason);
      },
    });
    expect(played.error).toBe(reason);
    expect(await server.seen[0]?.closed).toBe("cut");
  });

  it("an abort before the answer begins ends the turn and closes the connection", async () => {
    const abort = new AbortController();
    const reason = new WeftlineError("RUN_CANCELLED");
    await using server = await providerServer(() => abort.abort(reason));
    const played = await play({ framework, model: bindingTo(server.baseURL, api), signal: abort.signal });
    expect(played.error).toBe(reason);
    expect(await server.seen[0]?.closed).toBe("cut");
  });

  it("a consumer that stops reading closes the connection", async () => {
    await using server = await providerServer((response) => {
      beginStream(response);
      response.write(begin + text("Half an "));
    });
    const played = await play({ framework, model: bindingTo(server.baseURL, api), stopAt: ({ kind }) => kind === "message.delta" });
    expect(played.error).toBeUndefined();
    expect(await server.seen[0]?.closed).toBe("cut");
  });
});
