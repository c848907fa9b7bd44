import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fault, says } from "./fault.ts";
import { plainAnswers, beginStream, providerServer, respondJson, namedEvent, type Behaviour } from "../../../src/testing/index.ts";
import { bindingTo, fakeKey, only, play, runtimes, tool } from "./play.ts";

describe.each(Object.keys(runtimes))("a response that ends badly for %s", (framework) => {
  const responses = { framework, api: "responses" } as const;
  const { begin, text } = plainAnswers.responses;
  const ended =
    (type: string, fields: Record<string, unknown>): Behaviour =>
    (response) => {
      beginStream(response);
      response.end(
        begin +
          text("Half an ") +
          namedEvent({ type, response: { id: "resp_1", status: type.slice("response.".length), output: [], ...fields } }),
      );
    };

  it.each([
    { code: "server_error", as: "PROVIDER_FAILED" },
    { code: "rate_limit_exceeded", as: "PROVIDER_RATE_LIMITED" },
    { code: "invalid_prompt", as: "PROVIDER_REJECTED" },
  ])("is $as for $code", async ({ code, as }) => {
    const { error } = await fault(responses, ended("response.failed", { error: { code, message: `It broke for ${fakeKey}.` } }));
    expect(error.code).toBe(as);
    if (as !== "PROVIDER_RATE_LIMITED") expect(error.message).toContain("It broke for [secret].");
  });

  it("stands as it is when the token limit cut it", async () => {
    const { error, heard } = await fault(responses, ended("response.incomplete", { incomplete_details: { reason: "max_output_tokens" } }));
    expect(error).toBeUndefined();
    expect(only({ heard, error }, "step.finished")[0]).toMatchObject({ output: { finish: "length" } });
  });

  it("is PROVIDER_REJECTED when a content filter stopped it", async () => {
    const { error, heard } = await fault(responses, ended("response.incomplete", { incomplete_details: { reason: "content_filter" } }));
    expect(error).toMatchObject({ code: "PROVIDER_REJECTED", retryable: false });
    expect(only({ heard, error }, "usage.recorded")).toHaveLength(1);
  });
});

describe.each(Object.keys(runtimes))("what is sent by %s", (framework) => {
  it("comes from the binding alone, whatever the environment says", async () => {
    const names = {
      OPENAI_BASE_URL: "http://127.0.0.1:9/v1",
      OPENAI_API_KEY: "sk-from-the-environment",
      OPENAI_ORG_ID: "org-env",
      OPENAI_PROJECT_ID: "proj-env",
      OPENAI_CUSTOM_HEADERS: "X-From-Env: yes",
      OPENAI_LOG: "debug",
      OPENAI_API_BASE: "http://127.0.0.1:9/v1",
      OPENAI_ORGANIZATION: "org-env",
      LANGSMITH_GATEWAY: "http://127.0.0.1:9/gateway",
      LANGSMITH_API_KEY: "lsv2-from-the-environment",
      LC_OUTPUT_VERSION: "v1",
    };
    const before = { ...process.env };
    Object.assign(process.env, names);
    try {
      const { begin, text, end } = plainAnswers.responses;
      await using server = await providerServer((response) => {
        beginStream(response);
        response.end(begin + text("Hi") + end);
      });
      const { error } = await play({ framework, model: bindingTo(server.baseURL, "responses") });
      expect(error).toBeUndefined();
      const headers = server.seen[0]?.headers ?? {};
      expect(headers.authorization).toBe(`Bearer ${fakeKey}`);
      expect(Object.keys(headers).filter((name) => /openai-(organization|project)|x-from-env/.test(name))).toEqual([]);
    } finally {
      for (const name of Object.keys(names)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });

  it("is tried once: retries are the engine's", async () => {
    await using server = await providerServer(respondJson(503, says("Busy."), { "x-should-retry": "true" }));
    await play({ framework, model: bindingTo(server.baseURL, "chat") });
    expect(server.seen).toHaveLength(1);
  });
});

describe.each(Object.keys(runtimes))("sealed thoughts of %s", (framework) => {
  it("go back to the provider within the turn, before the calls that they led to", async () => {
    const recording = readFileSync(new URL("./recordings/responses-reasoning-text-calls.jsonl", import.meta.url), "utf8")
      .trimEnd()
      .split("\n");
    const { begin, text, end } = plainAnswers.responses;
    let asked = 0;
    await using server = await providerServer((response) => {
      beginStream(response);
      response.end(
        asked++ === 0
          ? recording.map((line) => namedEvent(JSON.parse(line) as Record<string, unknown>)).join("")
          : begin + text("Done.") + end,
      );
    });
    const weather = tool("weather.get", () => ({ celsius: 21 }));
    const { error } = await play({ framework, model: bindingTo(server.baseURL, "responses"), tools: [weather] });
    expect(error).toBeUndefined();
    const input = server.seen[1]?.body["input"] as { type?: string; role?: string; encrypted_content?: string; call_id?: string }[];
    expect(input.map(({ type, role }) => role ?? type)).toEqual([
      "user",
      "reasoning",
      "assistant",
      "function_call",
      "function_call",
      "function_call_output",
      "function_call_output",
    ]);
    expect(input[1]?.encrypted_content).toBe("gAAAAABencrypted==");
  });
});
