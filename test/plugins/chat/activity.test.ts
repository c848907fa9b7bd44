import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ada, chatPlatform, type ChatPlatform } from "./fixture.ts";
import { calling, echo, held, tool } from "./play.ts";
import type { ActivityData } from "./shapes.ts";

let chat: ChatPlatform;
const gate = { open: (): void => {}, entered: (): void => {} };
const slowTool = tool({
  name: "loom.slow",
  execute: async () => {
    gate.entered();
    await new Promise<void>((resolve) => (gate.open = resolve));
    return { woven: 1 };
  },
});
const asked = tool({ name: "loom.asked", approval: "ALWAYS" });
beforeAll(async () => void (chat = await chatPlatform({ turn: echo, tools: [slowTool, asked] })));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

type Watch = AsyncIterator<{ threadActivity: ActivityData[] }>;

const show = (state: readonly ActivityData[]): string[] =>
  state.map(({ __typename, actor, phase, toolName }) =>
    __typename === "AgentActivity"
      ? [actor.name, phase, toolName ?? ""].join(" ").trim()
      : `${actor.name} ${__typename === "TypingActivity" ? "types" : "is here"}`,
  );

async function next(watch: Watch): Promise<string[]> {
  const { value } = await watch.next();
  return show(value.threadActivity);
}

/** Reads states until one holds what is expected. */
async function reach(watch: Watch, expected: string): Promise<string[]> {
  const seen: string[][] = [];
  for (;;) {
    const state = await Promise.race([
      next(watch),
      new Promise<never>((_, reject) =>
        setTimeout(() => reject(new Error(`"${expected}" did not come: ${JSON.stringify(seen)}`)), 30_000).unref(),
      ),
    ]);
    seen.push(state);
    if (state.includes(expected)) return state;
  }
}

async function reachNone(watch: Watch, unwanted: string): Promise<string[]> {
  for (;;) {
    const state = await next(watch);
    if (!state.some((each) => each.startsWith(unwanted))) return state;
  }
}

describe("presence", () => {
  it("is the subscription, once an actor even with two tabs", async () => {
    const { id } = await chat.open();
    expect(await chat.activity(id)).toEqual([]);
    const [first, second] = [await chat.watch(id), await chat.watch(id)];
    expect(await next(first)).toEqual(["ada is here"]);
    expect(await next(second)).toEqual(["ada is here"]);
    const [present] = await chat.activity(id);
    expect(present).toMatchObject({ __typename: "PresenceActivity", actor: { name: "ada", kind: "USER", self: true } });
    expect(Date.parse(present?.expiresAt ?? "")).toBeGreaterThan(Date.now());
    await first.return?.();
    expect(show(await chat.activity(id))).toEqual(["ada is here"]);
    await second.return?.();
    expect(await chat.activity(id)).toEqual([]);
  });

  it("leaves nothing behind after 1,000 readers came and went", async () => {
    const { id } = await chat.open();
    const watches = await Promise.all(Array.from({ length: 1_000 }, () => chat.watch(id)));
    await Promise.all(watches.map((watch) => watch.next()));
    expect(show(await chat.activity(id))).toEqual(["ada is here"]);
    for (const watch of watches) await watch.return?.();
    expect(await chat.activity(id)).toEqual([]);
    const timers = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    for (let round = 0; round < 100; round++) await (await chat.watch(id)).return?.();
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThanOrEqual(timers);
  });
});

describe("typing", () => {
  it("is shown to those who watch until it ends", async () => {
    const { id } = await chat.open();
    const watch = await chat.watch(id);
    await next(watch);
    const before = Date.now();
    const { expiresAt } = await chat.type(id, true);
    expect(Date.parse(expiresAt ?? "") - before).toBeGreaterThanOrEqual(5_900);
    expect(Date.parse(expiresAt ?? "") - Date.now()).toBeLessThanOrEqual(6_000);
    expect(await reach(watch, "ada types")).toEqual(["ada is here", "ada types"]);
    expect(await chat.type(id, false)).toMatchObject({ __typename: "SetTypingPayload", expiresAt: null });
    expect(await reachNone(watch, "ada types")).toEqual(["ada is here"]);
    await watch.return?.();
  });

  it("is shown without anybody watching, and nothing of it is stored", async () => {
    const { id } = await chat.open();
    const head = async (): Promise<unknown> => chat.app.graphql("query ($id: ID!) { thread(id: $id) { lastSeq updatedAt } }", { id }, ada);
    const before = await head();
    await chat.type(id, true);
    expect(show(await chat.activity(id))).toEqual(["ada types"]);
    expect(await head()).toEqual(before);
    await chat.type(id, false);
    expect(await chat.activity(id)).toEqual([]);
    expect(await chat.type(id, false)).toMatchObject({ expiresAt: null });
  });
});

describe("agents", () => {
  it("are shown from the question to the answer, and vanish then", async () => {
    const { id } = await chat.open();
    const watch = await chat.watch(id);
    await next(watch);
    const { turn, letGo } = held(["Hm"]);
    chat.play.turn = turn;
    await chat.send({ thread: id, text: "Hello" });
    await reach(watch, "Weaver WRITING");
    const [, agent] = await chat.activity(id);
    const [run] = await chat.runsOf(id);
    expect(agent).toMatchObject({
      actor: { name: "Weaver", kind: "AGENT", self: false },
      agent: { name: "Weaver" },
      runId: run?.id,
      toolName: null,
    });
    letGo();
    expect(await reachNone(watch, "Weaver")).toEqual(["ada is here"]);
    await watch.return?.();
  });

  it("show the tool that they wait for, also to those who come later or only ask", async () => {
    const { id } = await chat.open();
    const watch = await chat.watch(id);
    chat.play.turn = calling("loom.slow");
    const entered = new Promise<void>((resolve) => (gate.entered = resolve));
    await chat.send({ thread: id, text: "Weave" });
    await entered;
    await reach(watch, "Weaver CALLING_TOOL loom.slow");
    await watch.return?.();
    expect(show(await chat.activity(id))).toEqual(["Weaver CALLING_TOOL loom.slow"]);
    const late = await chat.watch(id);
    expect(await next(late)).toEqual(["ada is here", "Weaver CALLING_TOOL loom.slow"]);
    gate.open();
    expect(await reachNone(late, "Weaver")).toEqual(["ada is here"]);
    await late.return?.();
    expect(await chat.activity(id)).toEqual([]);
  });

  it("wait where a person is asked, and go on when that is decided", async () => {
    const { id } = await chat.open();
    const watch = await chat.watch(id);
    chat.play.turn = calling("loom.asked");
    await chat.send({ thread: id, text: "Weave" });
    let interrupt: { id: string; argumentsHash: string } | undefined;
    while (!interrupt) {
      const data = await chat.app.graphql<{ interrupts: { nodes: { id: string; argumentsHash: string }[] } }>(
        "{ interrupts { nodes { id argumentsHash } } }",
        {},
        ada,
      );
      interrupt = data.interrupts.nodes[0];
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await reach(watch, "Weaver WAITING");
    await chat.app.graphql(
      "mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename } }",
      { input: { interrupt: interrupt.id, kind: "REJECT", argumentsHash: interrupt.argumentsHash } },
      ada,
    );
    expect(await reachNone(watch, "Weaver")).toEqual(["ada is here"]);
    await watch.return?.();
  });

  it("are shown for a run that waits for its turn", async () => {
    const { id } = await chat.open();
    const { turn, letGo } = held(["First"]);
    chat.play.turn = turn;
    const watch = await chat.watch(id);
    await chat.send({ thread: id, text: "1" });
    await reach(watch, "Weaver WRITING");
    await chat.send({ thread: id, text: "2" });
    expect(await reach(watch, "Weaver WAITING")).toEqual(["ada is here", "Weaver WRITING", "Weaver WAITING"]);
    chat.play.turn = echo;
    letGo();
    await chat.idle(id);
    await watch.return?.();
  });
});
