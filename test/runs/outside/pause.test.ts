import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WeftlineError, globalId, localId } from "#weftline";
import { testViewer } from "../../../src/testing/index.ts";
import { alice, bootRuns, callOnce, countingTool } from "../fixtures.ts";
import { awaitSignal, bootChores, change, kindsOf, seen, sendSignal, until } from "./world.ts";

let world: Awaited<ReturnType<typeof bootChores>>;
beforeAll(async () => {
  world = await bootChores(3);
});
afterAll(() => world.app.close());

const rowOf = (run: string) =>
  world.app.platform.database.read.get<{ due_at: number | null; lease_owner: string | null; wakes: number; pause_requested: number }>(
    "select due_at, lease_owner, wakes, pause_requested from runs_run where id = ?",
    localId("Run", run),
  );
const ok = { __typename: expect.stringMatching(/Payload$/) };
const conflict = { __typename: "ConflictError", path: ["run"] };

describe("a run that waits", () => {
  it("is paused at once, keeps what comes meanwhile without a wake, and goes on with it when it is resumed", async () => {
    const { app, start } = world;
    const run = await start((ctx) => awaitSignal(ctx, "go"));
    await until(app, run, "WAITING");
    expect(await change(app, "pause", run)).toMatchObject({ ...ok, run: { status: "PAUSED" } });
    expect(await change(app, "pause", run)).toMatchObject({ ...ok, run: { status: "PAUSED" } });
    expect(await sendSignal(app, run, { payload: "kept" })).toMatchObject({ ...ok, run: { status: "PAUSED" } });
    await app.restart();
    expect(await rowOf(run)).toMatchObject({ due_at: null, lease_owner: null, wakes: 1 });
    expect((await seen(app, run)).status).toBe("PAUSED");
    expect(await change(app, "resume", run)).toMatchObject(ok);
    expect((await until(app, run, "SUCCEEDED")).output).toBe("kept");
    expect((await kindsOf(app, run)).filter((kind) => /^(run|signal)\./.test(kind))).toEqual([
      "run.queued",
      "run.started",
      "run.waiting",
      "run.paused",
      "signal.received",
      "run.waiting",
      "run.resumed",
      "run.finished",
    ]);
  });

  it("is cancelled from its pause, and its deadline goes on", async () => {
    const { app, start } = world;
    const cancelled = await start((ctx) => awaitSignal(ctx, "go"));
    const late = await start((ctx) => awaitSignal(ctx, "go"), { limits: { deadline: "PT0.4S" } });
    for (const run of [cancelled, late]) {
      await until(app, run, "WAITING");
      expect(await change(app, "pause", run)).toMatchObject({ run: { status: "PAUSED" } });
    }
    await change(app, "cancel", cancelled);
    await until(app, cancelled, "CANCELLED");
    await until(app, late, "EXPIRED");
  });
});

describe("a run that is queued", () => {
  it("is not begun while it is paused, and then begins as ever", async () => {
    const { app, start } = world;
    const gate = Promise.withResolvers<void>();
    const holders = await Promise.all([1, 2, 3].map(() => start(() => gate.promise)));
    let begun = 0;
    const run = await start(() => ++begun);
    expect(await change(app, "pause", run)).toMatchObject({ run: { status: "PAUSED" } });
    gate.resolve();
    for (const holder of holders) await until(app, holder, "SUCCEEDED");
    await until(app, await start(() => "another"), "SUCCEEDED");
    expect(begun).toBe(0);
    expect(await change(app, "resume", run)).toMatchObject({ run: { status: expect.stringMatching(/WAITING|RUNNING|SUCCEEDED/) } });
    await until(app, run, "SUCCEEDED");
    expect(await kindsOf(app, run)).toEqual(["run.queued", "run.paused", "run.waiting", "run.started", "run.finished"]);
  });

  it("keeps its place behind the run of its thread that it waits for", async () => {
    const gate = Promise.withResolvers<void>();
    await using host = await bootRuns({
      // eslint-disable-next-line require-yield -- it waits and says nothing
      turn: async function* (_, ctx) {
        await Promise.race([gate.promise, new Promise((__, no) => ctx.signal.addEventListener("abort", no))]);
      },
    });
    const thread = await host.openThread();
    const first = await host.start({ thread });
    const scope = host.platform.scope(alice);
    const [early, late] = [await host.start({ thread }), await host.start({ thread })];
    for (const run of [early, late]) expect((await host.runs.pause(scope, run.id)).status).toBe("PAUSED");
    expect((await host.runs.resume(scope, early.id)).status).toBe("WAITING");
    await expect(host.start({ thread, onBusy: "REJECT" })).rejects.toMatchObject({ code: "BUSY" });
    expect((await host.find(early.id)).startedAt).toBeNull();
    gate.resolve();
    for (const run of [first, early]) await host.until(run.id, "SUCCEEDED");
    expect(await host.find(late.id)).toMatchObject({ status: "PAUSED", dueAt: null });
    await host.runs.resume(scope, late.id);
    await host.until(late.id, "SUCCEEDED");
  });
});

describe("a run at work", () => {
  it("hears of it and is paused at the boundary that it comes to", async () => {
    const { app, start } = world;
    const begun = Promise.withResolvers<void>();
    let turns = 0;
    const run = await start(async ({ pausing }) => {
      begun.resolve();
      if (++turns > 1) return "resumed";
      await new Promise((resolve) => pausing.addEventListener("abort", resolve));
      throw pausing.reason;
    });
    await begun.promise;
    expect(await change(app, "pause", run)).toMatchObject(ok);
    await until(app, run, "PAUSED");
    expect(await rowOf(run)).toMatchObject({ due_at: null, lease_owner: null, pause_requested: 0 });
    await change(app, "resume", run);
    expect((await until(app, run, "SUCCEEDED")).output).toBe("resumed");
  });

  it("is paused where its turn ends in a wait, and ends as it would where it does not wait", async () => {
    const { app, start } = world;
    const gate = Promise.withResolvers<void>();
    const waits = await start(async (ctx) => gate.promise.then(() => awaitSignal(ctx, "go")));
    const ends = await start(() => gate.promise.then(() => "done"));
    for (const run of [waits, ends]) {
      await until(app, run, "RUNNING");
      expect(await change(app, "pause", run)).toMatchObject({ ...ok, run: { status: "RUNNING" } });
    }
    await sendSignal(app, waits, { name: "other" });
    gate.resolve();
    await until(app, ends, "SUCCEEDED");
    await until(app, waits, "PAUSED");
    await change(app, "cancel", waits);
  });

  it("goes on where the pause is taken back before it comes to it", async () => {
    const { app, start } = world;
    const gate = Promise.withResolvers<void>();
    let turns = 0;
    const run = await start(async () => {
      if (++turns > 1) return "went on";
      await gate.promise;
      throw new WeftlineError("RUN_SUSPENDED");
    });
    await until(app, run, "RUNNING");
    expect(await change(app, "resume", run)).toMatchObject(conflict);
    await change(app, "pause", run);
    expect(await change(app, "resume", run)).toMatchObject(ok);
    gate.resolve();
    expect((await until(app, run, "SUCCEEDED")).output).toBe("went on");
  });

  it("is paused by the next process where its own is lost before it comes to it", async () => {
    const { app, start } = world;
    let turns = 0;
    const run = await start(async ({ drain }) => {
      turns++;
      await new Promise((resolve) => drain.addEventListener("abort", resolve));
      throw drain.reason;
    });
    await until(app, run, "RUNNING");
    await change(app, "pause", run);
    await app.restart();
    await until(app, run, "PAUSED");
    expect(turns).toBe(1);
    await change(app, "cancel", run);
    await until(app, run, "CANCELLED");
  });
});

describe("a tree of runs", () => {
  it("is paused and resumed as a whole, runs that begin meanwhile too", async () => {
    const { app, programs, start } = world;
    programs.set("below", { capabilities: [], run: (ctx) => awaitSignal(ctx, "go") });
    const ids = [newId(), newId()] as const;
    const begin = (ctx: Parameters<typeof awaitSignal>[0], id: string) =>
      ctx.say({
        kind: "step.started",
        step: id,
        name: id,
        stepKind: "AGENT",
        nodeKey: id,
        child: { id, targetType: "Chore", target: { id: "below", name: "below" } },
      });
    const gate = Promise.withResolvers<void>();
    const run = await start(async (ctx) => {
      if (ctx.state.stepId(ids[0]) === undefined) {
        await begin(ctx, ids[0]);
        await gate.promise;
        await begin(ctx, ids[1]);
        await ctx.flush();
      }
      const children = await ctx.state.children(ids);
      if ([...children.values()].some(({ status }) => status !== "SUCCEEDED")) throw new WeftlineError("RUN_SUSPENDED");
      for (const id of ids) await ctx.say({ kind: "step.finished", step: id, status: "SUCCEEDED" });
      return "all";
    });
    const [one, two] = ids.map((id) => globalId("Run", id)) as [string, string];
    await until(app, one, "WAITING");
    await change(app, "pause", run);
    await until(app, one, "PAUSED");
    gate.resolve();
    for (const each of [run, two]) await until(app, each, "PAUSED");
    await change(app, "resume", run);
    for (const each of [one, two]) {
      await until(app, each, "WAITING");
      await sendSignal(app, each);
    }
    expect((await until(app, run, "SUCCEEDED")).output).toBe("all");
  });
});

describe("an agent's run", () => {
  it("is paused while it waits for a person, and the decision counts once it is resumed", async () => {
    const { tool, calls } = countingTool({ approval: "ALWAYS" });
    await using host = await bootRuns({ turn: callOnce("loom.weave", { rows: 2 }), tools: [tool] });
    const run = await host.start();
    await host.until(run.id, "WAITING");
    const scope = host.platform.scope(alice);
    await host.runs.pause(scope, run.id);
    const [asked] = await host.interrupts();
    const decided = { interruptId: asked?.id ?? "", kind: "APPROVE" as const, argumentsHash: asked?.arguments_hash ?? "" };
    expect((await host.decide(decided)).status).toBe("RESOLVED");
    expect(await host.find(run.id)).toMatchObject({ status: "PAUSED", dueAt: null });
    expect(calls).toHaveLength(0);
    await host.runs.resume(scope, run.id);
    await host.until(run.id, "SUCCEEDED");
    expect(calls).toHaveLength(1);
  });
});

describe("pauseRun and resumeRun", () => {
  it("are refused where there is nothing to pause or to resume", async () => {
    const { app, start } = world;
    const ended = await start(() => "done");
    await until(app, ended, "SUCCEEDED");
    const open = await start((ctx) => awaitSignal(ctx, "go"));
    await until(app, open, "WAITING");
    for (const verb of ["pause", "resume"] as const) {
      expect(await change(app, verb, ended)).toMatchObject(conflict);
      for (const viewer of [testViewer("stranger"), testViewer("admin", { roles: ["admin"] })])
        expect(await change(app, verb, open, viewer)).toMatchObject({ code: "NOT_FOUND", path: ["run"] });
    }
    expect(await change(app, "resume", open)).toMatchObject(conflict);
    await change(app, "cancel", open);
  });
});
