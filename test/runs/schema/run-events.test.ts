import { describe, expect, it } from "vitest";
import { WeftlineError, globalId } from "#weftline";
import { collect } from "../../../src/testing/index.ts";
import { say, type Turn } from "../fixtures.ts";
import { alice, bootLoom } from "./fixtures.ts";
import { eventsOf, follow, localIdOf, startRun, until, type Event } from "./verbs.ts";

describe("runEvents", () => {
  it("begins with a snapshot that holds what was said so far, goes on live from there, and ends with the run", async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await bootLoom({ turn: (_, ctx) => until(gate.promise, ctx.signal) });
    const run = await startRun(app);
    await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice), {
      until: ({ runEvents }) => runEvents.type === "message.delta",
    });
    const live = await app.subscribe<{ runEvents: Event }>(follow, { run, after: null }, alice);
    const snapshot = (await live.next()).value?.runEvents as Event;
    const message = globalId("Message", localIdOf(run, ".1"));
    expect(snapshot).toEqual({
      __typename: "RunSnapshotEvent",
      type: "snapshot",
      seq: 4,
      runId: run,
      messages: [{ id: message, text: "First ", status: "STREAMING" }],
      hasEarlierMessages: false,
      runs: [{ id: run, status: "RUNNING" }],
      interrupts: [],
    });
    gate.resolve();
    const rest = (await collect(live)).map(({ runEvents }) => runEvents);
    expect(rest.map(({ seq, type }) => [seq, type])).toEqual([
      [5, "message.delta"],
      [6, "message.finished"],
      [7, "run.finished"],
    ]);
    expect((snapshot["messages"] as { text: string }[])[0]?.text + String(rest[0]?.["text"])).toBe(rest[1]?.["text"]);
  });

  it("gives the same events from every place, also after a restart", async () => {
    await using app = await bootLoom({ turn: () => say(["a", "b", "c"], 5) });
    const run = await startRun(app);
    const all = await eventsOf(app, run);
    await app.restart();
    for (let after = 0; after <= all.length; after++) expect(await eventsOf(app, run, after)).toEqual(all.slice(after));
  });

  it("shows an attempt that broke off, and the one that takes its place", async () => {
    let attempts = 0;
    const turn: Turn = async function* () {
      if (++attempts > 1) return yield* say(["Whole."]);
      yield { kind: "message.started", message: "1" };
      yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "Ha" };
      throw new WeftlineError("PROVIDER_UNREACHABLE", { provider: "local" });
    };
    await using app = await bootLoom({ turn });
    const run = await startRun(app);
    const events = await eventsOf(app, run);
    const [old, next] = [globalId("Message", localIdOf(run, ".1")), globalId("Message", localIdOf(run, ".2"))];
    expect(events.filter(({ type }) => /^message\.(started|finished)$/.test(type))).toMatchObject([
      { type: "message.started", messageId: old, attempt: 1 },
      { type: "message.finished", messageId: old, messageStatus: "FAILED", supersededBy: next, text: "Ha" },
      { type: "message.started", messageId: next, attempt: 2 },
      { type: "message.finished", messageId: next, messageStatus: "COMPLETE", supersededBy: null, text: "Whole." },
    ]);
  });

  it("shows steps, state, progress and what is a framework's own", async () => {
    const turn: Turn = async function* () {
      yield { kind: "progress", done: 1, total: 2 };
      yield { kind: "progress", done: 2 };
      yield { kind: "state.patched", patch: { colour: "red" } };
      yield { kind: "custom", name: "loom.shed", data: [1] };
      yield { kind: "custom", name: "loom.bare" };
      yield* say(["Done."]);
    };
    await using app = await bootLoom({ turn });
    const run = await startRun(app);
    const events = await eventsOf(app, run);
    expect(events.slice(2, 7)).toMatchObject([
      { __typename: "ProgressEvent", progress: { done: 1, total: 2 } },
      { __typename: "ProgressEvent", progress: { done: 2, total: null } },
      { __typename: "StatePatchedEvent", patch: { colour: "red" } },
      { __typename: "CustomEvent", customName: "loom.shed", customData: [1] },
      { __typename: "CustomEvent", customName: "loom.bare", customData: null },
    ]);
  });

  it("is not ended by a connection that breaks: the run goes on", async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await bootLoom({ turn: (_, ctx) => until(gate.promise, ctx.signal) });
    const run = await startRun(app);
    const live = await app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice);
    await live.next();
    await live.return?.();
    gate.resolve();
    expect((await eventsOf(app, run)).at(-1)).toMatchObject({ type: "run.finished" });
  });
});
