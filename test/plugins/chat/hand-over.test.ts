import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { contribution, definePlugin, type RunContext, type ToolOutcome } from "#weftline";
import { faultInjections } from "../../../src/core/runs/failpoint.ts";
import { crashCopy } from "../../../src/testing/conformance/crash-copy.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { ada, chatPlatform, chatPlugins, type ChatPlatform } from "./fixture.ts";
import { echo, say, type Play, type Turn } from "./play.ts";

/** How each agent behaves, by its name. */
const cast: Record<string, Turn> = {};
const play: Play = { turn: (request, ctx) => (cast[request.agent.name] ?? echo)(request, ctx) };
const crash: { armed: boolean; copy?: string } = { armed: false };

/** Leaves a copy as `kill -9` would, right behind what a tool did. */
const crashes = definePlugin({
  id: "crashes",
  contributes: [
    contribution(faultInjections, "suite", {
      failpoint: (at) => {
        if (at !== "tool.executed" || !crash.armed) return;
        crash.armed = false;
        crash.copy = crashCopy(chat.app.dataDir);
      },
    }),
  ],
});

let chat: ChatPlatform;
beforeAll(async () => {
  chat = await chatPlatform(play, undefined, [crashes()]);
});
afterAll(() => chat.app.close());

const outcomes: (ToolOutcome | undefined)[] = [];

async function callOf(ctx: RunContext, to: string, callId = `to ${to}`): Promise<ToolOutcome | undefined> {
  const [outcome] = await ctx.callTools([{ callId, name: `handoff.${to}`, arguments: {} }]);
  outcomes.push(outcome);
  return outcome;
}

/** Hands over and ends. */
const handsTo = (...names: readonly string[]): Turn =>
  async function* (_, ctx) {
    const came: string[] = [];
    for (const name of names) came.push((await callOf(ctx, name))?.status ?? "");
    yield* say([came.join(" ")]);
  };

async function hire(name: string, turn: Turn, capabilities: readonly string[] = []): Promise<void> {
  cast[name] = turn;
  await chat.app.graphql(
    "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { ... on CreateAgentPayload { agent { id } } ... on UserError { message } } }",
    { input: { name, framework: "loom", capabilities } },
    ada,
  );
}

const shown = `query ($id: ID!) { thread(id: $id) {
  agent { name } messages(first: 50) { nodes { role text } } runs(first: 50) { nodes { targetName trigger status } } } }`;

interface Shown {
  readonly agent: { readonly name: string };
  readonly messages: { readonly nodes: readonly { readonly role: string; readonly text: string }[] };
  readonly runs: { readonly nodes: readonly { readonly targetName: string; readonly trigger: string; readonly status: string }[] };
}

async function threadOf(id: string, app: TestPlatform = chat.app): Promise<Shown> {
  return (await app.graphql<{ thread: Shown }>(shown, { id }, ada)).thread;
}

describe("a hand-over of a thread", () => {
  it("makes the other agent the thread's, which answers the same message next, and those that come", async () => {
    await hire("Billing", echo);
    await hire("Desk", handsTo("Billing"), ["handoff.Billing"]);
    const { id } = await chat.open({ agent: { name: "Desk" } });
    await chat.exchange(id, "My bill is wrong.");
    const thread = await threadOf(id);
    expect(thread.agent).toEqual({ name: "Billing" });
    expect(thread.messages.nodes.map(({ text }) => text)).toEqual(["My bill is wrong.", "SUCCESS", "You said: My bill is wrong."]);
    expect(thread.runs.nodes.map(({ targetName, trigger }) => [targetName, trigger])).toEqual(
      expect.arrayContaining([
        ["Desk", "CHAT"],
        ["Billing", "PARENT"],
      ]),
    );
    await chat.exchange(id, "Still wrong.");
    expect((await threadOf(id)).messages.nodes.at(-1)?.text).toBe("You said: Still wrong.");
  });

  it("tells those who follow the thread", async () => {
    await hire("Follower", handsTo("Billing"), ["handoff.Billing"]);
    const { id } = await chat.open({ agent: { name: "Follower" } });
    const events = await chat.follow(id);
    await chat.send({ thread: id, text: "Go." });
    const changes: unknown[] = [];
    for await (const { threadEvents } of events) {
      if (threadEvents.type !== "thread.changed") continue;
      changes.push(threadEvents);
      break;
    }
    expect(changes).toMatchObject([{ change: "UPDATED" }]);
    await chat.idle(id);
  });

  it("happens once, also where the process is lost before anybody heard of it", async () => {
    await hire("Careful", handsTo("Billing"), ["handoff.Billing"]);
    const { id } = await chat.open({ agent: { name: "Careful" } });
    crash.armed = true;
    await chat.exchange(id, "Hello.");
    const copy = crash.copy ?? "";
    await using next = await testPlatform({ dataDir: copy, plugins: chatPlugins(play) });
    await expect.poll(async () => (await threadOf(id, next)).runs.nodes.every(({ status }) => status === "SUCCEEDED")).toBe(true);
    const thread = await threadOf(id, next);
    expect(thread.runs.nodes.map(({ targetName }) => targetName).toSorted()).toEqual(["Billing", "Careful"]);
    expect(thread.messages.nodes.map(({ text }) => text)).toEqual(["Hello.", "SUCCESS", "You said: Hello."]);
    await next.close();
    rmSync(copy, { recursive: true, force: true });
  });

  it("is one a run, to another agent, and within a thread", async () => {
    outcomes.length = 0;
    await hire("Other", echo);
    await hire("Eager", handsTo("Eager", "Billing", "Other"), ["handoff.Eager", "handoff.Billing", "handoff.Other"]);
    const { id } = await chat.open({ agent: { name: "Eager" } });
    await chat.exchange(id, "Go.");
    expect(outcomes).toMatchObject([
      { status: "ERROR", error: expect.stringContaining("yourself") as unknown },
      { status: "SUCCESS" },
      { status: "ERROR", error: expect.stringContaining("already") as unknown },
    ]);
    expect((await threadOf(id)).agent).toEqual({ name: "Billing" });

    outcomes.length = 0;
    await chat.startRun({ target: { agent: { name: "Desk" } }, text: "Go." });
    await expect.poll(() => outcomes).toMatchObject([{ status: "ERROR", error: expect.stringContaining("no thread") as unknown }]);
  });

  it("goes on with what is left of the limits of the run that hands over", async () => {
    outcomes.length = 0;
    const spends = (then: Turn): Turn =>
      async function* (request, ctx) {
        yield { kind: "usage.recorded", provider: "local", model: "scripted", inputTokens: 6, outputTokens: 0 };
        yield* then(request, ctx);
      };
    await hire("Last", spends(echo));
    await hire("Second", spends(handsTo("Last")), ["handoff.Last"]);
    await hire("First", spends(handsTo("Second")), ["handoff.Second"]);
    const limited = async (limits: object) => {
      const { id } = await chat.open({ agent: { name: "First" } });
      await chat.startRun({ target: { agent: { name: "First" } }, thread: id, text: "Go.", limits });
      await chat.idle(id);
      return (await threadOf(id)).runs.nodes.map(({ targetName, status }) => [targetName, status]).toSorted();
    };
    expect(await limited({ maxTokens: 15 })).toEqual([
      ["First", "SUCCEEDED"],
      ["Last", "FAILED"],
      ["Second", "SUCCEEDED"],
    ]);
    expect(await limited({ maxTokens: 12 })).toEqual([
      ["First", "SUCCEEDED"],
      ["Second", "SUCCEEDED"],
    ]);
    expect(outcomes.at(-1)).toMatchObject({ status: "ERROR", error: expect.stringContaining("6 tokens") as unknown });
    await limited({ deadline: "PT1H" });
    const ends = await chat.app.platform.database.read.all<{ at: number }>(
      "select deadline_at as at from runs_run where deadline_at is not null order by start_seq",
    );
    expect(ends).toHaveLength(3);
    expect(new Set(ends.map(({ at }) => at)).size).toBe(1);
  });

  it("ends somewhere: two agents that hand over to each other do so eight times for one message", async () => {
    outcomes.length = 0;
    await hire("Ping", handsTo("Pong"), ["handoff.Pong"]);
    await hire("Pong", handsTo("Ping"), ["handoff.Ping"]);
    const { id } = await chat.open({ agent: { name: "Ping" } });
    await chat.exchange(id, "Go.");
    expect(outcomes.map((outcome) => outcome?.status)).toEqual([...Array.from({ length: 8 }, () => "SUCCESS"), "ERROR"]);
    await chat.exchange(id, "Go on.");
    expect(outcomes).toHaveLength(18);
  });
});

describe("an agent that another asks within a thread", () => {
  it("says nothing in the conversation: not in a snapshot, and not to whoever answers next", async () => {
    await hire("Inner", () => say(["inner words"]));
    await hire(
      "Outer",
      async function* ({ messages }, ctx) {
        if (messages.length > 1) return yield* say([JSON.stringify(messages)]);
        const [outcome] = await ctx.callTools([{ callId: "ask", name: "agent.Inner", arguments: { text: "Hi." } }]);
        yield* say([`heard ${outcome?.status}`]);
      },
      ["agent.Inner"],
    );
    const { id } = await chat.open({ agent: { name: "Outer" } });
    await chat.exchange(id, "First.");
    const { value } = await (await chat.follow(id)).next();
    expect(value?.threadEvents.messages).toMatchObject([{ text: "First." }, { text: "heard SUCCESS" }]);
    await chat.exchange(id, "Again.");
    const { messages } = await threadOf(id);
    expect(messages.nodes).toHaveLength(4);
    expect(messages.nodes.at(-1)?.text).toContain("heard SUCCESS");
    expect(messages.nodes.at(-1)?.text).not.toContain("inner words");
  });
});
