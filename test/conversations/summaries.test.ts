import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents, capabilities, chat, models, openai, simulated } from "../../src/plugins/index.ts";
import { testPlatform } from "../../src/testing/index.ts";
import { call, conversations, everyFramework, toldIn, tool } from "./world.ts";

let world: Awaited<ReturnType<typeof conversations>>;
beforeAll(async () => {
  world = await conversations([tool("letter.send", () => "sent", { approval: "ALWAYS" })]);
});
afterAll(() => world[Symbol.asyncDispose]());

interface Shown {
  readonly role: string;
  readonly text: string;
  readonly provenance: string | null;
  readonly parts: readonly { readonly name?: string; readonly data?: Readonly<Record<string, unknown>> }[];
}

async function messagesOf(thread: string): Promise<readonly Shown[]> {
  const query = `query ($id: ID!) { thread(id: $id) { messages(last: 100) { nodes { role text provenance parts { ... on DataPart { name data } } } } } }`;
  return (await world.app.graphql<{ thread: { messages: { nodes: Shown[] } } }>(query, { id: thread })).thread.messages.nodes;
}

async function stepsOf(run: string): Promise<readonly { key: string; kind: string; status: string; error: string | null }[]> {
  type Data = { run: { steps: { nodes: { key: string; kind: string; status: string; error: string | null }[] } } };
  return (await world.app.graphql<Data>("query ($id: ID!) { run(id: $id) { steps { nodes { key kind status error } } } }", { id: run })).run
    .steps.nodes;
}

/** A conversation whose agent is shown so much of its thread. */
async function talkWith(framework: string, config: object) {
  const talk = await world.talk(framework);
  await world.mutate("updateThread", "UpdateThreadInput", "thread { id }", { thread: talk.thread, config });
  return talk;
}

describe.each(everyFramework)("a thread that outgrows its history on %s", (framework) => {
  it("is summarized by the agent's model, which is then shown the summary and the newest messages", async () => {
    const talk = await talkWith(framework, { historyLimit: 4 });
    await talk.say("My name is Ada.", { say: "Hello Ada." });
    await talk.say("I weave linen.", { say: "Linen it is." });
    const before = talk.requests().length;
    const run = await talk.say("What do I weave?", { say: "Ada weaves linen." }, { say: "Linen." });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "Linen." });
    const [summarizing, answering] = talk.requests().slice(before);
    expect(toldIn(summarizing)).toContain('{"user":"My name is Ada."}');
    expect(toldIn(summarizing)).toContain('{"assistant":"Linen it is."}');
    expect(toldIn(summarizing)).not.toContain("What do I weave?");
    expect(toldIn(answering)).toContain("Ada weaves linen.");
    expect(toldIn(answering)).toContain("What do I weave?");
    expect(toldIn(answering)).not.toContain("My name is Ada.");
    expect((await stepsOf(run.id)).map(({ key, kind, status }) => [key, kind, status])).toContainEqual([
      "history/summary",
      "MODEL",
      "SUCCEEDED",
    ]);
  });

  it("is summarized again from the summary before and what came since", async () => {
    const talk = await talkWith(framework, { historyLimit: 4 });
    await talk.say("one", { say: "first" });
    await talk.say("two", { say: "second" });
    await talk.say("three", { say: "The summary of one and two." }, { say: "third" });
    await talk.say("four", { say: "fourth" });
    const before = talk.requests().length;
    await talk.say("five", { say: "The summary of one to four." }, { say: "fifth" });
    const [summarizing, answering] = talk.requests().slice(before);
    expect(toldIn(summarizing)).toContain("The summary of one and two.");
    expect(toldIn(summarizing)).toContain('{"user":"three"}');
    expect(toldIn(summarizing)).not.toContain('{"user":"one"}');
    expect(toldIn(answering)).toContain("The summary of one to four.");
    expect(toldIn(answering)).not.toContain("The summary of one and two.");
  });
});

describe("a summary", () => {
  it("is a part of a system message with its provenance, and what it stands for stays readable", async () => {
    const talk = await talkWith("openai", { historyLimit: 2 });
    await talk.say("one", { say: "first" });
    await talk.say("two", { say: "In short: one." }, { say: "second" });
    const messages = await messagesOf(talk.thread);
    expect(messages.map(({ role, text }) => [role, text])).toEqual([
      ["USER", "one"],
      ["ASSISTANT", "first"],
      ["USER", "two"],
      ["SYSTEM", ""],
      ["ASSISTANT", "second"],
    ]);
    const [, , , summary] = messages;
    expect(summary?.provenance).toBe("LIVE");
    expect(summary?.parts).toEqual([{ name: "summary", data: { text: "In short: one.", messages: 2, model: talk.model } }]);
  });

  it("is made where the estimated tokens outgrow the bound, however few the messages are", async () => {
    const talk = await talkWith("openai", { historyTokens: 200 });
    await talk.say(`Remember this: ${"warp ".repeat(300)}`, { say: "I will." });
    const before = talk.requests().length;
    await talk.say("Go on.", { say: "Much about warps." }, { say: "Yes." });
    const told = talk.requests().slice(before).map(toldIn);
    expect(told).toHaveLength(2);
    expect(told[1]).toContain("Much about warps.");
    expect(told[1]).not.toContain("warp warp");
  });

  it("that fails costs the run its summary and not its answer", async () => {
    const talk = await talkWith("openai", { historyLimit: 2 });
    await talk.say("one", { say: "first" });
    const run = await talk.say("two", { say: "   " }, { say: "second" });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "second" });
    const failed = (await stepsOf(run.id)).find(({ key }) => key === "history/summary");
    expect(failed).toMatchObject({ status: "FAILED", error: expect.stringContaining("empty") });
    expect((await messagesOf(talk.thread)).map(({ role }) => role)).not.toContain("SYSTEM");
    expect(toldIn(talk.requests().at(-1))).toContain("first");
  });

  it("is made once by a run that waits for a person behind it", async () => {
    const talk = await talkWith("openai", { historyLimit: 2 });
    await talk.say("one", { say: "first" });
    const waiting = await talk.say("two", { say: "In short: one." }, call("letter.send"), { say: "second" });
    expect(waiting.status).toBe("WAITING");
    const before = talk.requests().length;
    await talk.decide(waiting, { kind: "APPROVE" });
    expect(await world.end(waiting.id)).toMatchObject({ status: "SUCCEEDED", text: "second" });
    const after = talk.requests().slice(before).map(toldIn);
    expect(after).toHaveLength(1);
    expect(after[0]).toContain("In short: one.");
  });

  it("goes with its thread when that is cleared, and stays behind when it is forked", async () => {
    const talk = await talkWith("openai", { historyLimit: 2 });
    await talk.say("one", { say: "first" });
    await talk.say("two", { say: "In short: one." }, { say: "second" });
    const query = "query ($id: ID!) { thread(id: $id) { messages { nodes { id } } } }";
    const { thread } = await world.app.graphql<{ thread: { messages: { nodes: { id: string }[] } } }>(query, { id: talk.thread });
    const at = thread.messages.nodes.at(-1)?.id ?? "";
    const { fork } = await world.app.graphql<{ fork: { thread?: { id: string } } }>(
      "mutation ($thread: ID!, $at: ID!) { fork: forkThread(thread: $thread, at: $at) { ... on ForkThreadPayload { thread { id } } } }",
      { thread: talk.thread, at },
    );
    expect((await messagesOf(fork.thread?.id ?? "")).map(({ role }) => role)).toEqual(["USER", "ASSISTANT", "USER", "ASSISTANT"]);
    await world.app.graphql("mutation ($thread: ID!) { clearThread(thread: $thread) { __typename } }", { thread: talk.thread });
    await talk.say("three", { say: "third" });
    expect(toldIn(talk.requests().at(-1))).not.toContain("In short");
  });

  it("is not made where the server says so: the newest messages are shown alone", async () => {
    await using plain = await conversations([], [], chat({ historySummary: "none", historyLimit: 2 }));
    const talk = await plain.talk("openai");
    await talk.say("one", { say: "first" });
    await talk.say("two", { say: "second" });
    expect(talk.requests()).toHaveLength(2);
    expect(toldIn(talk.requests().at(-1))).not.toContain("one");
  });

  it("of the simulated model is what the user said, and says that it is simulated", async () => {
    await using app = await testPlatform({
      plugins: [models({ bindings: {} }), simulated({ tokensPerSecond: 0 }), capabilities(), openai(), agents(), chat({ historyLimit: 2 })],
    });
    const mutate = async <Result>(text: string, input: object): Promise<Result> =>
      (await app.graphql<{ result: Result }>(text, { input })).result;
    await mutate("mutation ($input: CreateAgentInput!) { result: createAgent(input: $input) { __typename } }", {
      name: "Ada",
      framework: "openai",
    });
    const made = await mutate<{ thread: { id: string } }>(
      "mutation ($input: CreateThreadInput!) { result: createThread(input: $input) { ... on CreateThreadPayload { thread { id } } } }",
      { agent: { name: "Ada" } },
    );
    const send = "mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessagePayload { run { id } } } }";
    for (const text of ["I weave linen.", "And wool."]) await mutate(send, { thread: made.thread.id, text });
    const query = `query ($id: ID!) { thread(id: $id) { activeRun { id } messages(last: 100) { nodes { role provenance parts { ... on DataPart { data } } } } } }`;
    type Data = { thread: { activeRun: object | null; messages: { nodes: Shown[] } } };
    const shown = await expect
      .poll(async () => (await app.graphql<Data>(query, { id: made.thread.id })).thread, { timeout: 10_000 })
      .toMatchObject({ activeRun: null })
      .then(() => app.graphql<Data>(query, { id: made.thread.id }));
    const summary = shown.thread.messages.nodes.find(({ role }) => role === "SYSTEM");
    expect(summary?.provenance).toBe("SIMULATED");
    expect(summary?.parts[0]?.data?.["text"]).toBe("[simulated] The user said: “I weave linen.”");
  });
});
