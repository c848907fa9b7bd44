import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heardTexts, LiveServer, secret, shows, type Exchange, type Run } from "./live.ts";
import { apis, faultsOf, openStage, type Api, type Fault, type Stage } from "./scenarios.ts";

let stage: Stage;
let live: LiveServer;
const plays = new Map<string, { readonly words: string; readonly end: Promise<Exchange> }>();

/** All faults happen at once: a test then looks at one of them. */
beforeAll(async () => {
  stage = await openStage();
  live = await LiveServer.start(stage.baseURL, ["--config", "test/e2e/provider/quick.config.ts"]);
  for (const api of apis) {
    const patient = await live.agent({ name: `Patient over ${api}`, options: { api } });
    const quick = await live.agent({ name: `Quick over ${api}`, options: { api }, model: "quick/gpt-test" });
    for (const [fault, scenario] of Object.entries(faultsOf(api))) {
      const words = stage.play(`${fault} over ${api}`, scenario);
      const { end } = await live.say(fault.includes("silence") ? quick : patient, words);
      plays.set(`${fault} over ${api}`, { words, end });
    }
  }
});
afterAll(async () => {
  await live[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

async function outcome(api: Api, fault: Fault): Promise<Exchange & { readonly times: readonly number[] }> {
  const play = plays.get(`${fault} over ${api}`);
  if (!play) throw new Error(`Nothing plays ${fault}.`);
  const end = await play.end;
  return { ...end, times: stage.requests(play.words).map(({ at }) => at) };
}

/** The time between requests, in milliseconds. */
function gaps(times: readonly number[]): readonly number[] {
  return times.slice(1).map((at, index) => at - (times[index] ?? 0));
}

function modelSteps({ steps }: Run): readonly string[] {
  return steps.nodes.filter(({ kind }) => kind === "MODEL").map(({ status, attempt }) => `${attempt} ${status}`);
}

describe.each(apis)("over %s", (api) => {
  it.each([
    { fault: "refused", code: "PROVIDER_AUTH", says: /refused the credentials \(status 401\)/ },
    { fault: "rejected request", code: "PROVIDER_REJECTED", says: /status 400.*does not exist for \[secret\]/ },
    { fault: "spent quota", code: "PROVIDER_RATE_LIMITED", says: /status 429/ },
  ] as const)("$fault: the provider is asked once, and the run fails with $code", async ({ fault, code, says }) => {
    const { run, answers, events, times } = await outcome(api, fault);
    expect(times).toHaveLength(1);
    expect(run).toMatchObject({ status: "FAILED", text: null, failure: { code, retryable: false, plugin: "openai" } });
    expect(run.failure?.message).toMatch(says);
    expect(answers.map(({ status, text }) => [status, text])).toEqual([["FAILED", ""]]);
    expect(modelSteps(run)).toEqual(["1 FAILED"]);
    expect(events.at(-1)?.type).toBe("run.failed");
  });

  it.each([
    { fault: "only 429", code: "PROVIDER_RATE_LIMITED", says: /overloaded \(status 429\)/, text: "" },
    { fault: "only 500", code: "PROVIDER_FAILED", says: /status 500.*Trouble with Bearer \[secret\]/, text: "" },
    { fault: "only silence", code: "PROVIDER_TIMEOUT", says: /did not answer in time/, text: "" },
    { fault: "silence within", code: "PROVIDER_TIMEOUT", says: /did not answer in time/, text: "Half an " },
    { fault: "only truncated", code: "STREAM_TRUNCATED", says: /ended before it was complete/, text: "Half an " },
    { fault: "only destroyed", code: "CONNECTION_LOST", says: /connection to openai broke before/, text: "Half an " },
    { fault: "only broken", code: "PROVIDER_FAILED", says: /Broken for \[secret\]/, text: "Half an " },
    { fault: "no JSON", code: "PROVIDER_FAILED", says: /not JSON/, text: "Half an " },
  ] as const)(
    "$fault: the engine tries three times, and the run fails with $code and what was said",
    async ({ fault, code, says, text }) => {
      const { run, answers, events, times } = await outcome(api, fault);
      expect(times).toHaveLength(3);
      const [first = 0, second = 0] = gaps(times);
      expect(first).toBeGreaterThan(450);
      expect(second).toBeGreaterThan(900);
      expect(run).toMatchObject({ status: "FAILED", text: null, failure: { code, retryable: true, plugin: "openai" } });
      expect(run.failure?.message).toMatch(says);
      expect(modelSteps(run)).toEqual(["1 FAILED", "2 FAILED", "3 FAILED"]);

      expect(answers.map((answer) => [answer.status, answer.text])).toEqual(Array.from({ length: 3 }, () => ["FAILED", text]));
      const ids = answers.map(({ id }) => id);
      expect(answers.map(({ supersededBy }) => supersededBy?.id)).toEqual([ids[1], ids[2], undefined]);
      expect(heardTexts(events)).toEqual(text === "" ? {} : Object.fromEntries(ids.map((id) => [id, text])));
    },
  );

  it.each([
    { fault: "one 429", text: "" },
    { fault: "one 500", text: "" },
    { fault: "one silence", text: "" },
    { fault: "one truncated", text: "Half an " },
    { fault: "one destroyed", text: "Half an " },
  ] as const)("$fault: the engine tries again, and the answer takes the place of the broken one", async ({ fault, text }) => {
    const { run, answers, events, times } = await outcome(api, fault);
    expect(times).toHaveLength(2);
    expect(run).toMatchObject({ status: "SUCCEEDED", provenance: "LIVE", text: "All of it.", failure: null });
    const [broken, whole] = answers;
    expect(broken).toMatchObject({ status: "FAILED", text, supersededBy: { id: whole?.id } });
    expect(whole).toMatchObject({ status: "COMPLETE", text: "All of it.", supersededBy: null, provenance: "LIVE" });
    expect(modelSteps(run)).toEqual(["1 FAILED", "2 SUCCEEDED"]);
    expect(run.usage).toMatchObject({ inputTokens: 11, outputTokens: 7, cachedInputTokens: 3, reasoningTokens: 2, modelCalls: 1 });
    const finished = events.filter(({ type }) => type === "message.finished");
    expect(finished.map((event) => [event.messageId, event.messageStatus, event.supersededBy ?? null])).toEqual([
      [broken?.id, "FAILED", whole?.id],
      [whole?.id, "COMPLETE", null],
    ]);
  });

  it("one 429: the engine waits as long as the provider asks", async () => {
    const { times } = await outcome(api, "one 429");
    expect(gaps(times)[0]).toBeGreaterThan(1_990);
  });
});

describe("the log of every thread", () => {
  it("is dense, whatever went wrong in it", async () => {
    for (const { end } of plays.values()) {
      const { events } = await end;
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    }
  });
});

describe("the key", () => {
  it("was sent with each request, was repeated by the provider in its errors, and turns up nowhere else", async () => {
    expect(new Set(stage.all.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer ${secret}`]));
    await Promise.all([...plays.values()].map(({ end }) => end));
    const everything = await live.everything();
    expect(everything.includes("a turn failed and is tried again")).toBe(true);
    expect(everything.includes("[secret]")).toBe(true);
    expect(shows(everything)).toBe(false);
  });
});
