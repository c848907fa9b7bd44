import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { collect } from "../../../src/testing/index.ts";
import { ada, chatPlatform, eventsUntil, local, type ChatPlatform } from "./fixture.ts";
import { calling, echo, held, tool } from "./play.ts";
import type { Purger } from "#weftline";

let chat: ChatPlatform;
const purged: Parameters<Purger["purge"]>[1][] = [];
beforeAll(async () => void (chat = await chatPlatform({ turn: echo, tools: [tool()], purged })));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

const secret = "The password is swordfish";

/** Every table in which something of the thread could still stand, with how often the secret stands in its rows. */
async function traces(): Promise<Record<string, number>> {
  const { read } = chat.app.platform.database;
  const tables = await read.all<{ name: string }>(
    "select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name",
  );
  const found: Record<string, number> = {};
  for (const { name } of tables) {
    const rows = await read.all<object>(`select * from "${name}"`);
    const count = rows.filter((row) => JSON.stringify(row).includes("swordfish")).length;
    if (count > 0) found[name] = count;
  }
  return found;
}

describe("clearThread", () => {
  it("leaves no trace of what was said, keeps the runs and goes on with seq", async () => {
    const thread = await chat.open({ title: "Cleared" });
    await chat.exchange(thread.id, secret);
    chat.play.turn = calling("loom.weave");
    await chat.exchange(thread.id, secret);
    expect(Object.keys(await traces())).toContain("runs_message");
    const before = await chat.update({ thread: thread.id, title: "Still there" });

    const cleared = await chat.clear(thread.id);
    expect(cleared.thread).toMatchObject({ title: "Still there", lastSeq: (before.thread?.lastSeq ?? 0) + 1 });
    expect(await traces()).toEqual({});
    expect((await chat.messages(thread.id))?.edges).toEqual([]);
    expect(await chat.runsOf(thread.id)).toHaveLength(2);
    const data = await chat.app.graphql<{
      thread: { runs: { nodes: { usage: { modelCalls: number }; text: string | null; steps: { nodes: unknown[] } }[] } };
    }>(
      "query ($id: ID!) { thread(id: $id) { runs { nodes { text steps { nodes { id } } usage { modelCalls } } } } }",
      { id: thread.id },
      ada,
    );
    expect(data.thread.runs.nodes.map(({ text, steps }) => [text, steps.nodes])).toEqual([
      [null, []],
      [null, []],
    ]);
  });

  it("tells every plugin that keeps something of the thread, in the same transaction", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "Hello");
    const runs = (await chat.runsOf(thread.id)).map(({ id }) => local("Run", id));
    purged.length = 0;
    await chat.clear(thread.id);
    expect(purged).toEqual([{ threadId: local("Thread", thread.id), runIds: runs, tenantId: ada.tenantId }]);
  });

  it("does not show the agent what was cleared", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, secret);
    await chat.clear(thread.id);
    let shown = "";
    chat.play.turn = (request, ctx) => {
      shown = JSON.stringify(request.messages);
      return echo(request, ctx);
    };
    await chat.exchange(thread.id, "What did I say?");
    expect(shown).toContain("What did I say?");
    expect(shown).not.toContain("swordfish");
    await chat.clear(thread.id);
  });

  it("tells those who follow, and gives those from before one snapshot", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "Hello");
    const source = await chat.follow(thread.id);
    expect((await source.next()).value?.threadEvents.__typename).toBe("ThreadSnapshotEvent");
    const { thread: cleared } = await chat.clear(thread.id);
    const [change] = await eventsUntil(source, () => true);
    expect(change).toMatchObject({ change: "CLEARED", seq: cleared?.lastSeq });
    const [late] = await eventsUntil(chat.follow(thread.id, 1), () => true);
    expect(late).toMatchObject({ __typename: "ThreadSnapshotEvent", seq: cleared?.lastSeq, messages: [] });
  });

  it("is refused while a run is open", async () => {
    const thread = await chat.open();
    const { turn, letGo } = held();
    chat.play.turn = turn;
    await chat.send({ thread: thread.id, text: "Hello" });
    expect(await chat.clear(thread.id)).toMatchObject({ __typename: "ConflictError", code: "BUSY", path: ["thread"] });
    letGo();
    await chat.idle(thread.id);
    expect(await chat.clear(thread.id)).toMatchObject({ __typename: "ClearThreadPayload" });
  });

  it("may be repeated, also on a thread without messages", async () => {
    const thread = await chat.open();
    expect((await chat.clear(thread.id)).thread?.lastSeq).toBe(1);
    expect((await chat.clear(thread.id)).thread?.lastSeq).toBe(2);
  });
});

describe("deleteThread", () => {
  it("cancels what is open, leaves no trace, tells those who follow and ends them", async () => {
    const thread = await chat.open({ title: secret });
    await chat.exchange(thread.id, secret);
    const { turn } = held();
    chat.play.turn = turn;
    const events = collect(chat.follow(thread.id));
    const activity = collect(chat.watch(thread.id));
    const started = await chat.follow(thread.id, (await chat.update({ thread: thread.id })).thread?.lastSeq);
    await chat.send({ thread: thread.id, text: secret });
    await chat.send({ thread: thread.id, text: "queued" });
    await eventsUntil(started, ({ type }) => type === "message.delta");

    expect(await chat.remove(thread.id)).toMatchObject({ deletedThreadId: thread.id });
    const last = (await events).at(-1)?.threadEvents;
    expect(last).toMatchObject({ __typename: "ThreadChangedEvent", change: "DELETED", threadId: thread.id, thread: null });
    expect((await activity).length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await traces()).toEqual({});
    const left = await chat.app.platform.database.read.all("select id from runs_run where thread_id = ?", local("Thread", thread.id));
    expect(left).toEqual([]);
  });

  it("leaves nothing to be found and is told once", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "Hello");
    const message = (await chat.messages(thread.id))?.edges[0]?.node.id;
    const [run] = await chat.runsOf(thread.id);
    await chat.remove(thread.id);
    expect(await chat.app.graphql("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", { ids: [thread.id, message, run?.id] }, ada)).toEqual(
      { nodes: [null, null, null] },
    );
    expect(await chat.remove(thread.id)).toMatchObject({ __typename: "NotFoundError" });
  });

  it("does not bring a thread back for a repeated request", async () => {
    const { thread } = await chat.create({ title: "Gone", idempotencyKey: "gone-1" });
    await chat.remove(thread?.id ?? "");
    expect(await chat.create({ title: "Gone", idempotencyKey: "gone-1" })).toMatchObject({ __typename: "NotFoundError" });
  });
});
