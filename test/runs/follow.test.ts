import { describe, expect, it } from "vitest";
import { snapshotKind, type LoggedEvent, type Snapshot } from "#weftline";
import { compact } from "../../src/core/runs/compaction.ts";
import { bootRuns, say } from "./fixtures.ts";

const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index} `);

async function take(source: AsyncIterator<LoggedEvent>, count: number): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  while (events.length < count) {
    const next = await source.next();
    if (next.done) break;
    events.push(next.value);
  }
  return events;
}

function shownBy(event: LoggedEvent | undefined): Snapshot {
  if (event?.kind !== snapshotKind) throw new Error("this is no snapshot");
  return event.payload as Snapshot;
}

describe("following a stream", () => {
  it("goes on from any seq without a gap or a repeat, while it is written", async () => {
    await using host = await bootRuns({ turn: () => say(many(60), 3) });
    const run = await host.start();
    const whole: LoggedEvent[] = [];
    let after = 0;
    for (let cut = 1; ; cut++) {
      const source = await host.streams.follow({ streamNum: run.streamNum, after, runId: run.id });
      const part = await take(source, (cut % 4) + 1);
      await source.return?.();
      if (part.length === 0) break;
      whole.push(...part);
      after = part.at(-1)?.seq ?? after;
    }
    expect(whole.map(({ seq }) => seq)).toEqual(whole.map((_, index) => index + 1));
    expect(whole).toEqual(await host.events(run));
  });

  it("begins with one snapshot at the head when no seq is given, folded up to it", async () => {
    await using host = await bootRuns({ turn: () => say(many(40), 5) });
    const run = await host.start();
    const first = await host.streams.follow({ streamNum: run.streamNum, after: 0 });
    for await (const event of first) if (event.kind === "message.delta") break;
    await new Promise((resolve) => setTimeout(resolve, 60));
    const source = await host.streams.follow({ streamNum: run.streamNum, after: null, runId: run.id });
    const [snapshot, ...rest] = await Array.fromAsync(source);
    expect(snapshot?.kind).toBe(snapshotKind);
    const { messages, runs } = shownBy(snapshot);
    expect(runs.map(({ status }) => status)).toEqual(["RUNNING"]);
    expect(rest[0]?.seq).toBe((snapshot?.seq ?? 0) + 1);
    const open = messages[0]?.parts[0];
    const shown = open?.type === "text" ? open.text : "";
    const later = rest
      .flatMap(({ kind, payload }) => (kind === "message.delta" ? [(payload as [number, number, string])[2]] : []))
      .join("");
    expect(shown + later).toBe(many(40).join(""));
  });

  it("refuses a seq that the server never gave", async () => {
    await using host = await bootRuns({ turn: () => say(["Hi"]) });
    const run = await host.start();
    const events = await host.events(run);
    const head = events.at(-1)?.seq ?? 0;
    for (const after of [head + 1, 1e9, -1]) {
      await expect(host.streams.follow({ streamNum: run.streamNum, after })).rejects.toMatchObject({ code: "INVALID_CURSOR" });
    }
    expect(await Array.fromAsync(await host.streams.follow({ streamNum: run.streamNum, after: head, runId: run.id }))).toEqual([]);
  });

  it("gives a reader that stopped reading everything it missed, from the log", async () => {
    await using host = await bootRuns({ turn: () => say(["Hi"]) });
    const thread = await host.openThread();
    const slow = await host.streams.follow({ streamNum: thread.streamNum, after: 0 });
    const first = slow.next();
    const append = (index: number) =>
      host.platform.database.commit(async (tx) =>
        host.streams.append(tx as never, thread.streamNum, [{ kind: "custom", payload: { name: "n", data: index } }]),
      );
    for (let index = 0; index < 1_500; index++) await append(index);
    const seqs = [(await first).value?.seq, ...(await take(slow, 1_499)).map(({ seq }) => seq)];
    expect(seqs).toEqual(Array.from({ length: 1_500 }, (_, index) => index + 1));
    await slow.return?.();
  });

  it("gives one snapshot where the rows were compacted, and every row where they were not", async () => {
    await using host = await bootRuns({ turn: () => say(many(30), 1) });
    const run = await host.start();
    const before = await host.events(run);
    const dropped = await compact(host.platform.database, -1_000);
    expect(dropped).toBe(before.filter(({ kind }) => kind === "message.delta").length);
    const [snapshot, ...rest] = await host.events(run, 3);
    expect(snapshot?.kind).toBe(snapshotKind);
    expect(shownBy(snapshot).messages.map(({ status }) => status)).toEqual(["COMPLETE"]);
    expect(rest).toEqual([]);
    expect((await host.find(run.id)).text).toBe(many(30).join(""));
  });

  it("does not compact a run that is open", async () => {
    await using host = await bootRuns({ turn: () => say(many(50), 20) });
    const run = await host.start();
    const source = await host.streams.follow({ streamNum: run.streamNum, after: 0 });
    for await (const event of source) if (event.kind === "message.delta") break;
    expect(await compact(host.platform.database, -1_000)).toBe(0);
    await host.runs.cancel(host.platform.scope({ tenantId: "acme", actorId: "alice", name: "Alice", roles: [] }), run.id);
  });

  it("ends at once when its reader goes, wherever it waits", async () => {
    await using host = await bootRuns({ turn: () => say(["Hi"]) });
    const { streamNum } = await host.openThread();
    const source = await host.streams.follow({ streamNum, after: 0 });
    const pending = source.next();
    await source.return?.();
    expect(await pending).toEqual({ value: undefined, done: true });
  });
});

describe("the log", () => {
  it("merges deltas for a moment, the first of a message at once", async () => {
    await using host = await bootRuns({ turn: () => say(many(500)) });
    const run = await host.start();
    const events = await host.events(run);
    const deltas = events.filter(({ kind }) => kind === "message.delta");
    expect(deltas.length).toBeLessThan(100);
    expect(deltas.map(({ payload }) => (payload as [number, number, string])[2]).join("")).toBe(many(500).join(""));
  });

  it("refuses what JSON has no word for instead of storing null", async () => {
    await using host = await bootRuns({
      turn: async function* () {
        yield { kind: "progress", done: Number.POSITIVE_INFINITY };
        yield* say(["never"]);
      },
    });
    const run = await host.start();
    const failed = await host.until(run.id, "FAILED");
    expect(failed.failure).toMatchObject({ code: "PROTOCOL_VIOLATION", plugin: "scripted" });
  });
});
