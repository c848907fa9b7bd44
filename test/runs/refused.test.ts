import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunEventBody } from "#weftline";
import { ada, chatPlatform, local, type ChatPlatform } from "../plugins/chat/fixture.ts";
import { echo, say, type Turn } from "../plugins/chat/play.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform({ turn: echo })));
afterAll(() => chat.app.close());

interface Shown {
  readonly text: string;
  readonly status: string;
  readonly parts: readonly { readonly text?: string; readonly name?: string; readonly data?: unknown }[];
}

/** The messages of a thread as a page and as the snapshot of a subscription show them, with its runs. */
async function shown(id: string) {
  const parts = "parts { ... on TextPart { text } ... on DataPart { name data } }";
  const page = await chat.app.graphql<{
    thread: { messages: { nodes: Shown[] }; runs: { nodes: { status: string; failure: unknown }[] } };
  }>(
    `query ($id: ID!) { thread(id: $id) { messages(last: 20) { nodes { text status ${parts} } }
      runs(first: 20) { nodes { status failure { code } usage { inputTokens outputTokens modelCalls } } } } }`,
    { id },
    ada,
  );
  const events = await chat.app.subscribe<{ threadEvents: { messages: Shown[] } }>(
    `subscription ($id: ID!) { threadEvents(thread: $id) { ... on SnapshotEvent { messages { text ${parts} } } } }`,
    { id },
    ada,
  );
  const first = await events.next();
  await events.return?.();
  return {
    messages: page.thread.messages.nodes,
    runs: page.thread.runs.nodes,
    snapshot: first.value?.threadEvents.messages.map(({ text }: Shown) => text),
  };
}

async function* speaking(...said: readonly Record<string, unknown>[]): AsyncGenerator<RunEventBody> {
  yield { kind: "step.started", step: "model/1", name: "m", stepKind: "MODEL" };
  yield { kind: "message.started", message: "1" };
  for (const each of said) yield { message: "1", part: 0, channel: "TEXT", kind: "message.delta", ...each } as never;
  yield { kind: "message.finished", message: "1", status: "COMPLETE" };
  yield { kind: "step.finished", step: "model/1", status: "SUCCEEDED" };
}

const usage = { kind: "usage.recorded", step: "model/1", provider: "p", model: "m", inputTokens: 3, outputTokens: 4 };
const turns: readonly { readonly what: string; readonly turn: Turn }[] = [
  { what: "text that is a list", turn: () => speaking({ text: [{ type: "text", text: "Par" }] }) },
  { what: "text that is a list, behind text", turn: () => speaking({ text: "So far" }, { text: [{ type: "text", text: "Par" }] }) },
  { what: "text that is nothing", turn: () => speaking({ text: null }) },
  { what: "a part that is no number", turn: () => speaking({ text: "So far" }, { part: "b", text: "x" }) },
  ...[null, Number.NaN, -1, 1.5, "7", undefined, Number.POSITIVE_INFINITY].map((count) => ({
    what: `a count that is ${String(count)}`,
    turn: () => speaking({ text: "So far" }, usage, { ...usage, inputTokens: count }),
  })),
  { what: "a call of nothing", turn: (_, ctx) => calling(ctx) },
];

async function* calling(ctx: Parameters<Turn>[1]): AsyncGenerator<RunEventBody> {
  yield { kind: "message.started", message: "1" };
  ctx.toolRequested({ callId: "c", name: null as never, message: "1", part: 0 });
}

describe("what an adapter says and the log refuses", () => {
  it.each(turns)("fails its run at once and leaves the thread readable: $what", async ({ turn }) => {
    const thread = await chat.open();
    chat.play.turn = turn;
    await chat.exchange(thread.id, "hi");
    chat.play.turn = echo;
    await chat.exchange(thread.id, "again");
    const { messages, runs, snapshot } = await shown(thread.id);
    expect(runs.map(({ status }) => status).toSorted()).toEqual(["FAILED", "SUCCEEDED"]);
    expect(runs.find(({ status }) => status === "FAILED")).toMatchObject({ failure: { code: "PROTOCOL_VIOLATION" } });
    expect(messages.at(-1)?.text).toBe("You said: again");
    expect(messages.flatMap(({ parts }) => parts).filter(({ text }) => typeof text !== "string")).toEqual([]);
    expect(messages.some(({ text }) => text.includes("object Object"))).toBe(false);
    expect(snapshot).toEqual(messages.map(({ text }) => text));
  });

  it("counts what was taken before it, and nothing of it", async () => {
    const thread = await chat.open();
    chat.play.turn = () => speaking({ text: "So far" }, usage, { ...usage, outputTokens: null });
    await chat.exchange(thread.id, "hi");
    expect((await shown(thread.id)).runs).toMatchObject([{ status: "FAILED", usage: { inputTokens: 3, outputTokens: 4, modelCalls: 1 } }]);
  });
});

describe("half a character", () => {
  it.each([
    { what: "waits for its other half", words: ["a \ud83d", "\ude00 b"], text: "a 😀 b" },
    { what: "is U+FFFD where none comes", words: ["a \ud83d", " b"], text: "a \uFFFD b" },
    { what: "is U+FFFD at the end", words: ["a \ud83d"], text: "a \uFFFD" },
    { what: "is U+FFFD within a text", words: ["a \ude00\ud83d b"], text: "a \uFFFD\uFFFD b" },
    { what: "is nothing but itself", words: ["\ud83d"], text: "\uFFFD" },
  ])("in what an adapter says $what", async ({ words, text }) => {
    const thread = await chat.open();
    chat.play.turn = () => say(words);
    await chat.exchange(thread.id, "hi");
    const { messages } = await shown(thread.id);
    expect(messages.at(-1)).toMatchObject({ text, status: "COMPLETE", parts: [{ text }] });
  });
});

describe("a message that an earlier version left unreadable", () => {
  const parts = [
    [{ type: "text", text: [{ type: "text", text: "Par" }] }],
    [{ type: "text", text: "good" }, null, { type: "reasoning", text: 7 }, { type: "hologram" }],
    { not: "a list" },
    null,
  ];

  it.each(parts.map((stored) => ({ stored: JSON.stringify(stored) })))("takes nothing else from its page: $stored", async ({ stored }) => {
    const thread = await chat.open();
    chat.play.turn = echo;
    await chat.exchange(thread.id, "one");
    await chat.exchange(thread.id, "two");
    const page = await chat.messages(thread.id);
    const broken = local("Message", page?.edges[1]?.node.id ?? "");
    await chat.app.platform.database.commit(({ sql }) => sql.run("update runs_message set parts = ? where id = ?", stored, broken));
    const { messages, snapshot } = await shown(thread.id);
    const text = stored.includes("good") ? "good" : "";
    expect(messages.map((message) => message.text)).toEqual(["one", text, "two", "You said: two"]);
    expect(snapshot).toEqual(["one", text, "two", "You said: two"]);
    const shownAsData = messages[1]?.parts.filter(({ name }) => name === "unreadable") ?? [];
    expect(shownAsData.length > 0).toBe(stored !== "null");
    await chat.exchange(thread.id, "three");
    expect((await shown(thread.id)).messages.at(-1)?.text).toBe("You said: three");
  });
});
