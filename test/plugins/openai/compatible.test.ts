import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { beginStream, dataEvent, namedEvent, providerServer, type Behaviour } from "../../../src/testing/index.ts";
import { fault } from "./fault.ts";
import { bindingTo, only, play, runtimes, textOf, ways } from "./play.ts";

describe.each(ways)("a refusal over $api with $framework", ({ framework, api }) => {
  const recording = readFileSync(new URL(`./recordings/${api}-refusal.jsonl`, import.meta.url), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const refuses: Behaviour = (response) => {
    beginStream(response);
    response.end(recording.map(api === "chat" ? dataEvent : namedEvent).join(""));
  };
  const outputSchema = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };

  it("is an answer like another, whose step says what it is", async () => {
    await using server = await providerServer(refuses);
    const played = await play({ framework, model: bindingTo(server.baseURL, api) });
    expect(played.error).toBeUndefined();
    expect(textOf(played)).toBe("I cannot help with that.");
    expect(only(played, "step.finished")[0]).toMatchObject({ status: "SUCCEEDED", output: { finish: "refusal" } });
  });

  it("is MODEL_REFUSED where an answer by a schema was asked for", async () => {
    await using server = await providerServer(refuses);
    const played = await play({ framework, model: bindingTo(server.baseURL, api), outputSchema });
    expect(played.error).toMatchObject({ code: "MODEL_REFUSED", message: "The model refused: I cannot help with that.", retryable: false });
    expect(only(played, "message.finished")[0]).toMatchObject({ status: "COMPLETE" });
  });
});

describe.each(Object.keys(runtimes))("a compatible server with %s", (framework) => {
  const chunk = (choice: object, rest: object = {}): string => dataEvent({ choices: [{ index: 0, ...choice }], ...rest });
  const answers = (bytes: string): Behaviour => {
    return (response) => {
      beginStream(response);
      response.end(bytes);
    };
  };

  it("may reason, leave out ids, usage and [DONE], and keep the connection alive with comments", async () => {
    const bytes =
      ": OPENROUTER PROCESSING\n\n" +
      chunk({ delta: { role: "assistant", reasoning_content: "Hm. " } }) +
      ": keep-alive\n\n" +
      chunk({ delta: { reasoning: "Yes." } }) +
      chunk({ delta: { content: "Forty-two." }, finish_reason: null }) +
      chunk({ delta: {}, finish_reason: "stop" });
    await using server = await providerServer(answers(bytes));
    const played = await play({ framework, model: bindingTo(server.baseURL, "chat") });
    expect(played.error).toBeUndefined();
    expect([textOf(played, "REASONING"), textOf(played)]).toEqual(["Hm. Yes.", "Forty-two."]);
    expect(only(played, "usage.recorded")[0]).toMatchObject({ estimated: true });
  });

  it("may tell the tokens so far with each piece: the last count is the one", async () => {
    const usage = (tokens: number) => ({ usage: { prompt_tokens: 7, completion_tokens: tokens, total_tokens: 7 + tokens } });
    const bytes = chunk({ delta: { content: "Hi" } }, usage(1)) + chunk({ delta: { content: "!" }, finish_reason: "stop" }, usage(2));
    await using server = await providerServer(answers(bytes));
    const played = await play({ framework, model: bindingTo(server.baseURL, "chat") });
    expect(only(played, "usage.recorded")).toMatchObject([{ inputTokens: 7, outputTokens: 2 }]);
  });

  it("that ends an answer with an error has failed", async () => {
    const { error } = await fault(
      { framework, api: "chat" },
      answers(chunk({ delta: { content: "Half" } }) + chunk({ delta: {}, finish_reason: "error" })),
    );
    expect(error).toMatchObject({ code: "PROVIDER_FAILED", retryable: true });
  });

  it("that ends an answer for a reason of its own has ended it", async () => {
    await using server = await providerServer(answers(chunk({ delta: { content: "All." }, finish_reason: "eos" })));
    const played = await play({ framework, model: bindingTo(server.baseURL, "chat") });
    expect([played.error, textOf(played)]).toEqual([undefined, "All."]);
  });
});
