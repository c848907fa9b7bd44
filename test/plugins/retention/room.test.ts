import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setTimeout as pause } from "node:timers/promises";
import { collect } from "../../../src/testing/index.ts";
import { admin, bob, eventsUntil, local, type ChatPlatform } from "../chat/fixture.ts";
import { echo, type Turn } from "../chat/play.ts";
import { apply, applied, countOf, kept, setPolicy } from "./world.ts";

let chat: ChatPlatform;
beforeEach(async () => void (chat = await kept()));
afterEach(() => chat.app.close());

/** Says so many words, one every few milliseconds. */
const streaming = (words: number): Turn =>
  async function* (_, { signal }) {
    yield { kind: "message.started", message: "1" };
    for (let n = 0; n < words; n++) {
      signal.throwIfAborted();
      yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: `w${n} ` };
      await pause(4);
    }
    yield { kind: "message.finished", message: "1", status: "COMPLETE" };
  };
const spoken = (words: number): string => Array.from({ length: words }, (_, n) => `w${n} `).join("");

/** Puts so many old messages, each with rows of the log, before what a thread says from now on. */
async function fill(thread: string, messages: number): Promise<void> {
  const { database } = chat.app.platform;
  const id = local("Thread", thread);
  const stream = await database.read.get<{ num: number; tenant_id: string; owner_id: string; head: number }>(
    "select num, tenant_id, owner_id, head from runs_stream where id = ?",
    id,
  );
  if (!stream) throw new Error("no stream");
  const { num, tenant_id: tenant, owner_id: owner } = stream;
  const ofEach = 20;
  for (let at = 0; at < messages; at += 100) {
    await database.commit(async ({ sql }) => {
      for (let n = at; n < at + 100; n++) {
        const seq = stream.head + n * ofEach + 1;
        await sql.run(
          `insert into runs_message (id, tenant_id, owner_id, stream_num, start_seq, turn_seq, seq, thread_id, role, status, parts, created_at)
           values (?, ?, ?, ?, ?, ?, ?, ?, 'USER', 'COMPLETE', ?, 1000)`,
          `old-${n}`,
          tenant,
          owner,
          num,
          seq,
          seq,
          seq,
          id,
          JSON.stringify([{ type: "text", text: `old ${n} ${"x".repeat(500)}` }]),
        );
        for (let row = 0; row < ofEach; row++)
          await sql.run(
            "insert into runs_event (stream_num, seq, at, kind, payload) values (?, ?, 1000, 'custom', ?)",
            num,
            seq + row,
            JSON.stringify({ name: "old", data: "y".repeat(120) }),
          );
      }
      await sql.run("update runs_stream set head = ? where num = ?", stream.head + (at + 100) * ofEach, num);
    });
  }
}

describe("a long log", () => {
  it("shrinks to its policy while streams go on, and the room goes back to the disk", async () => {
    const thread = await chat.open();
    await fill(thread.id, 1_000);
    const pages = async (): Promise<number> =>
      (await chat.app.platform.database.read.get<{ n: number }>("select page_count as n from pragma_page_count"))?.n ?? 0;
    const before = await pages();
    expect(await countOf(chat.app, "runs_event")).toBe(20_000);
    const words = 150;
    chat.play.turn = streaming(words);
    const others = await Promise.all(Array.from({ length: 8 }, () => chat.open()));
    const heard = others.map(({ id }) =>
      collect(chat.follow(id), { until: ({ threadEvents }) => threadEvents.__typename === "MessageFinishedEvent", timeoutMs: 30_000 }),
    );
    await Promise.all([thread, ...others].map(({ id }) => chat.send({ thread: id, text: "Go on." })));
    await setPolicy(chat.app, { target: "MESSAGES", maxAge: "P1D" });
    const { job, previews } = await apply(chat.app);
    expect(previews).toMatchObject([{ rows: 1_000 }]);
    expect(await applied(chat.app, job?.id)).toEqual({ removed: { MESSAGES: 1_000 } });
    for (const events of await Promise.all(heard)) {
      const text = events
        .map(({ threadEvents: event }) => (event.__typename === "MessageDeltaEvent" ? (event as unknown as { text: string }).text : ""))
        .join("");
      expect(text).toBe(spoken(words));
    }
    await chat.idle(thread.id);
    expect(await countOf(chat.app, "runs_message where created_at = 1000")).toBe(0);
    expect(await countOf(chat.app, "runs_event where at = 1000")).toBe(0);
    expect(await pages()).toBeLessThan(before / 2);
    const [first] = await eventsUntil(chat.follow(thread.id, 5), () => true);
    expect(first).toMatchObject({ __typename: "ThreadSnapshotEvent" });
    expect((first as unknown as { messages: { text: string }[] }).messages.map(({ text }) => text)).toEqual(["Go on.", spoken(words)]);
    chat.play.turn = echo;
    await chat.exchange(thread.id, "Still here");
    expect((await chat.messages(thread.id))?.edges.at(-1)?.node.text).toBe("You said: Still here");
  }, 60_000);

  it("is cleared in small pieces, between which others go first", async () => {
    const thread = await chat.open();
    await fill(thread.id, 500);
    const before = await countOf(chat.app, "runs_event");
    const cleared = chat.clear(thread.id);
    while ((await countOf(chat.app, "runs_event")) === before) await pause(1);
    const between = await countOf(chat.app, "runs_event");
    expect(between).toBeGreaterThan(0);
    expect(await cleared).toMatchObject({ __typename: "ClearThreadPayload" });
    expect(await countOf(chat.app, "runs_message")).toBe(0);
    expect(await countOf(chat.app, "runs_event")).toBe(1);
  });

  it("is not shortened while it is held, or of another's thread", async () => {
    const thread = await chat.open();
    await fill(thread.id, 200);
    const hold = "mutation ($id: ID!) { updateThread(input: { thread: $id, legalHold: true }) { __typename } }";
    await chat.app.graphql(hold, { id: thread.id }, admin);
    expect(await chat.clear(thread.id)).toMatchObject({ code: "LEGAL_HOLD" });
    const { clearThread } = await chat.app.graphql<{ clearThread: object }>(
      "mutation ($id: ID!) { clearThread(thread: $id) { ... on UserError { code } } }",
      { id: thread.id },
      bob,
    );
    expect(clearThread).toEqual({ code: "NOT_FOUND" });
    expect(await countOf(chat.app, "runs_event where at = 1000")).toBe(4_000);
  });
});
