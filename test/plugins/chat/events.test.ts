import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { authorizationService } from "#weftline";
import { compact } from "../../../src/core/runs/compaction.ts";
import { collect } from "../../../src/testing/index.ts";
import { ada, auditor, bob, chatPlatform, codeOf, eve, eventsUntil, local, type ChatPlatform } from "./fixture.ts";
import { echo, held, say } from "./play.ts";
import type { EventData } from "./shapes.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform()));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

const finished = ({ type }: EventData): boolean => type === "run.finished";
const upTo = (seq: number) => (event: EventData) => event.seq >= seq;

async function talked(times = 1): Promise<{ id: string; head: number }> {
  const { id } = await chat.open();
  for (let n = 1; n <= times; n++) await chat.exchange(id, `Message ${n}`);
  const { thread } = await chat.update({ thread: id, title: "Talked" });
  return { id, head: thread?.lastSeq ?? 0 };
}

describe("threadEvents", () => {
  it("gives every row after a seq, without gap or repeat, wherever one starts", async () => {
    const { id, head } = await talked(2);
    const all = await eventsUntil(chat.follow(id, 0), upTo(head));
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, index) => index + 1));
    for (const after of [1, Math.floor(head / 2), head - 1]) {
      expect(await eventsUntil(chat.follow(id, after), upTo(head))).toEqual(all.slice(after));
    }
  });

  it("gives a snapshot first where nothing is known yet", async () => {
    const { id, head } = await talked();
    const source = await chat.follow(id);
    const [snapshot] = await eventsUntil(source, () => true);
    expect(snapshot).toMatchObject({ __typename: "ThreadSnapshotEvent", type: "snapshot", seq: head, hasEarlierMessages: false, runs: [] });
    expect(snapshot?.messages?.map(({ text }) => text)).toEqual(["Message 1", "You said: Message 1"]);
  });

  it("folds into the snapshot what an open answer has said, and goes on from there", async () => {
    const { id } = await chat.open();
    const { turn, letGo } = held(["Once", " more", "."]);
    chat.play.turn = turn;
    const first = await chat.follow(id, 0);
    await chat.send({ thread: id, text: "Tell me" });
    await eventsUntil(first, ({ type }) => type === "message.delta");
    const source = await chat.follow(id);
    const snapshot = (await source.next()).value?.threadEvents;
    letGo();
    const rest = await eventsUntil(source, finished);
    expect(snapshot?.messages?.at(-1)).toMatchObject({ status: "STREAMING", text: "Once" });
    expect(snapshot?.runs).toHaveLength(1);
    expect(rest.map(({ seq }) => seq)).toEqual(rest.map((_, index) => (snapshot?.seq ?? 0) + 1 + index));
    expect(
      rest
        .filter(({ type }) => type === "message.delta")
        .map(({ text }) => text)
        .join(""),
    ).toBe(" more.");
  });

  it("gives one snapshot to a reader from below the horizon, and every row to one from above it", async () => {
    const { id, head } = await talked();
    expect(await compact(chat.app.platform.database, -60_000)).toBeGreaterThan(0);
    const [late] = await eventsUntil(chat.follow(id, 1), () => true);
    expect(late).toMatchObject({ __typename: "ThreadSnapshotEvent", seq: head });
    await chat.exchange(id, "After");
    const rest = await eventsUntil(chat.follow(id, head), finished);
    expect(rest.map(({ seq }) => seq)).toEqual(rest.map((_, index) => head + 1 + index));
  });

  it("gives a second and a slow reader the same events", async () => {
    const { id } = await chat.open();
    const words = Array.from({ length: 3_000 }, (_, index) => `${index} `);
    chat.play.turn = () => say(words);
    const slow = await chat.follow(id, 0);
    const quick = eventsUntil(chat.follow(id, 0), finished);
    await chat.exchange(id, "Count");
    const text = (events: EventData[]): string =>
      events
        .filter(({ type }) => type === "message.delta")
        .map((event) => event.text)
        .join("");
    expect(text(await eventsUntil(slow, finished))).toBe(words.join(""));
    expect(text(await quick)).toBe(words.join(""));
  });

  it("refuses a cursor that the server never gave", async () => {
    const { id, head } = await talked();
    expect(await codeOf(chat.follow(id, head + 1))).toBe("INVALID_CURSOR");
    expect(await codeOf(chat.follow(id, -1))).toBe("INVALID_CURSOR");
    expect(await codeOf(chat.follow(id, head).then((source) => source.return?.()))).toBeUndefined();
  });

  it("does not find what is foreign, missing or malformed, whoever asks", async () => {
    const { id } = await talked();
    for (const viewer of [bob, eve, auditor]) {
      expect(await codeOf(chat.follow(id, 0, viewer))).toBe("NOT_FOUND");
      expect(await codeOf(chat.watch(id, viewer))).toBe("NOT_FOUND");
    }
    await chat.remove(id);
    for (const missing of [id, "nonsense", chat.agentId, ""]) {
      expect(await codeOf(chat.follow(missing))).toBe("NOT_FOUND");
      expect(await codeOf(chat.watch(missing))).toBe("NOT_FOUND");
    }
  });

  it("asks after a revocation whether the thread is still the viewer's", async () => {
    const { id, head } = await talked();
    const authorization = chat.app.platform.use(authorizationService);
    const [events, activity] = [await chat.follow(id, head), await chat.watch(id)];
    await activity.next();
    authorization.raise();
    await chat.update({ thread: id, title: "Still mine" });
    expect((await events.next()).value?.threadEvents).toMatchObject({ change: "UPDATED" });
    await chat.app.platform.database.write(
      "SYSTEM",
      async (tx) => void (await tx.sql.run("update chat_thread set owner_id = 'bob' where id = ?", local("Thread", id))),
    );
    authorization.raise();
    await chat.update({ thread: id, title: "Not mine any more" }, bob);
    expect(await codeOf(events.next())).toBe("NOT_FOUND");
    expect((await events.next()).done).toBe(true);
    await activity.return?.();
  });

  it("goes on after the end of a run and does not end by itself", async () => {
    const { id } = await chat.open();
    const source = await chat.follow(id, 0);
    await chat.exchange(id, "one");
    await chat.exchange(id, "two");
    let ended = 0;
    const events = await eventsUntil(source, (event) => finished(event) && ++ended === 2);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });

  it("joins what a query saw: the events after lastSeq lack nothing", async () => {
    const { id } = await chat.open();
    chat.play.turn = () => say(Array.from({ length: 200 }, (_, index) => `${index} `));
    await chat.send({ thread: id, text: "Count" });
    for (let tries = 0; tries < 20; tries++) {
      const { thread } = await chat.app.graphql<{
        thread: { lastSeq: number; messages: { nodes: { id: string; seq: number; text: string; status: string }[] } };
      }>("query ($id: ID!) { thread(id: $id) { lastSeq messages { nodes { id seq text status } } } }", { id }, ada);
      const answer = thread.messages.nodes[1];
      if (!answer) continue;
      if (answer.status !== "STREAMING") break;
      const rest = await eventsUntil(chat.follow(id, thread.lastSeq), finished);
      const deltas = rest.filter((event) => event.type === "message.delta" && event.seq > answer.seq);
      expect(answer.text + deltas.map(({ text }) => text).join("")).toBe(Array.from({ length: 200 }, (_, index) => `${index} `).join(""));
      break;
    }
    await chat.idle(id);
  });

  it("survives a restart: the same cursor goes on", async () => {
    const { id, head } = await talked();
    const before = await eventsUntil(chat.follow(id, 0), upTo(head));
    await chat.app.restart();
    expect(await eventsUntil(chat.follow(id, 0), upTo(head))).toEqual(before);
    expect((await chat.messages(id))?.edges).toHaveLength(2);
    const rest = collect(chat.follow(id, head), { until: ({ threadEvents }) => threadEvents.change === "UPDATED" });
    await chat.update({ thread: id, title: "After" });
    expect((await rest)[0]?.threadEvents.seq).toBe(head + 1);
  });
});
