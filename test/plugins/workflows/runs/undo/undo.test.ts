import Database from "better-sqlite3";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { faultInjections, type Failpoint } from "../../../../../src/core/runs/failpoint.ts";
import { crashCopy } from "../../../../../src/testing/conformance/crash-copy.ts";
import { openLoom, statusesOf, type Loom, type NodeInput, type RunEventSeen } from "../loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const value = (key: string, expression: string, more: object = {}): NodeInput => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});
const hour = { key: "w", kind: "wait", dependsOn: ["a"], config: { duration: "PT1H" } };
const asks = { kind: "approval", config: { message: "Undo?" } };
const workflow = (id: string) => ({ kind: "workflow", config: { workflow: { id } } });
const isAsked = ({ interruptStatus }: RunEventSeen): boolean => interruptStatus === "PENDING";

/** Ways for a run to end in which it undoes what it did. */
const endings: Readonly<Record<string, (run: string) => Promise<void>>> = {
  cancelled: async (run) => {
    await loom.follow(run, ({ runStatus }) => runStatus === "WAITING");
    await loom.cancel(run);
  },
  "cancelled twice": async (run) => {
    await loom.follow(run, ({ runStatus }) => runStatus === "WAITING");
    await loom.cancel(run);
    await loom.follow(run, isAsked);
    await loom.cancel(run);
  },
  expired: async () => undefined,
  failed: async () => undefined,
  "failed and cancelled": async (run) => {
    await loom.follow(run, isAsked);
    await loom.cancel(run);
  },
};

/** What undoes something, and asks a person. */
const undoings: Readonly<Record<string, () => Promise<object>>> = {
  "a question": async () => asks,
  "a run below": async () => workflow(await loom.create([{ key: "ok", ...asks }])),
  "a run below a run below": async () => {
    const below = await loom.create([{ key: "ok", ...asks }]);
    return workflow(await loom.create([{ key: "below", ...workflow(below) }]));
  },
  "a map of runs below": async () => {
    const below = await loom.create([{ key: "ok", ...asks }]);
    return { kind: "map", config: { over: "[1]", node: workflow(below) } };
  },
};

/** @param how the name of an ending. */
async function startEnding(how: string, undoing: object): Promise<string> {
  const end = how.startsWith("failed") ? value("x", "input.missing.deep", { dependsOn: ["a"] }) : hour;
  const nodes = [value("a", "1", { undo: "undoA" }), end, { key: "undoA", ...undoing } as NodeInput];
  const run = await loom.start(await loom.create(nodes), {}, how === "expired" ? { limits: { deadline: "PT0.2S" } } : {});
  await endings[how]?.(run);
  return run;
}

async function approveAll(at: Loom, run: string): Promise<void> {
  await at.follow(run, async ({ interrupt, interruptStatus }) => {
    if (interrupt && interruptStatus === "PENDING") expect(await at.decide(interrupt, { kind: "APPROVE" })).toBe("DecideInterruptPayload");
    return false;
  });
}

const finalStatus: Readonly<Record<string, string>> = { expired: "EXPIRED", failed: "FAILED" };

describe.each(Object.keys(undoings))("a node that is undone by %s", (what) => {
  const isDeep = what !== "a question" && what !== "a run below";
  it.each(isDeep ? ["cancelled twice"] : Object.keys(endings))("is undone to the end where its run is %s", async (how) => {
    const run = await startEnding(how, (await undoings[what]?.()) ?? {});
    await approveAll(loom, run);
    const seen = await loom.look(run);
    expect(seen.status).toBe(finalStatus[how] ?? "CANCELLED");
    expect(statusesOf(seen)).toMatchObject({ a: "SUCCEEDED", undoA: "SUCCEEDED" });
    expect(seen.children.map(({ status }) => status)).toEqual(what === "a question" ? [] : ["SUCCEEDED"]);
  });
});

it("a run below that undoes something is left alone when its run begins another turn after a restart", async () => {
  const run = await startEnding("cancelled", (await undoings["a run below"]?.()) ?? {});
  await loom.follow(run, isAsked);
  const dataDir = crashCopy(loom.app.dataDir);
  await using other = await openLoom({ dataDir });
  await other.app.graphql('mutation ($run: ID!) { signalRun(run: $run, name: "wake") { __typename ... on UserError { message } } }', {
    run,
  });
  await vi.waitFor(async () => expect(await turnsOf(other)).toBe(0));
  await approveAll(other, run);
  expect(statusesOf(await other.look(run))).toMatchObject({ undoA: "SUCCEEDED" });
  await loom.cancel(run);
  rmSync(dataDir, { recursive: true, force: true });
});

/** How many runs want a turn or have one. */
async function turnsOf({ app }: Loom): Promise<number> {
  const { read } = app.platform.database;
  const rows = await read.all(`select id from runs_run where finished_at is null and (due_at <= ${read.now} or lease_owner is not null)`);
  return rows.length;
}

it("a node whose run below has succeeded is undone, also where its run is to end before it has seen that", async () => {
  let dataDir = "";
  let ended = 0;
  // The run below ends first.
  const failpoint: Failpoint = (at) => {
    if (at === "finish.committed" && ++ended === 1) dataDir = crashCopy(lost.app.dataDir);
  };
  const faulty = definePlugin({ id: "faulty", contributes: [contribution(faultInjections, "suite", { failpoint })] });
  await using lost = await openLoom({ plugins: [faulty()] });
  const below = await lost.create([value("b", "1")]);
  const run = await lost.start(
    await lost.create([
      { key: "a", ...workflow(below), undo: "undoA" },
      hour,
      { key: "undoA", kind: "tool", config: { tool: "loom.weave", arguments: { undo: "{{ nodes.a.output }}" } } },
    ]),
    {},
    { limits: { deadline: "PT10M" } },
  );
  await lost.follow(run, ({ type, runId }) => type === "step.finished" && runId === run);
  const db = new Database(join(dataDir, "weftline.db"));
  expect(db.prepare("select status from runs_step where key = 'a'").all()).toEqual([{ status: "RUNNING" }]);
  db.prepare("update runs_run set deadline_at = 1 where parent_id is null").run();
  db.close();
  await using other = await openLoom({ dataDir });
  await other.follow(run);
  expect(await other.look(run)).toMatchObject({ status: "EXPIRED" });
  expect(other.woven.map(({ args }) => args)).toEqual([{ undo: 1 }]);
  rmSync(dataDir, { recursive: true, force: true });
});

it("each attempt of what undoes a node says which node that is", async () => {
  const run = await loom.play([
    value("a", "1", { undo: "undoA" }),
    value("x", "input.missing.deep", { dependsOn: ["a"] }),
    {
      key: "undoA",
      kind: "tool",
      retry: { attempts: 2, delay: "PT0.01S" },
      config: { tool: "loom.snap", arguments: { thread: "undo", times: 1 } },
    },
  ]);
  const attempts = run.steps.filter(({ nodeKey }) => nodeKey === "undoA");
  expect(attempts.map(({ status, compensates }) => [status, compensates?.key])).toEqual([
    ["FAILED", "a"],
    ["SUCCEEDED", "a"],
  ]);
});

it.each(["cancelled", "resumed"])("a run below that undoes something and was paused goes on where the run above is %s", async (how) => {
  const run = await startEnding("failed", (await undoings["a run below"]?.()) ?? {});
  await loom.follow(run, isAsked);
  await vi.waitFor(async () => expect((await loom.look(run)).status).toBe("WAITING"));
  await loom.change("pauseRun", run);
  const paused = { status: "PAUSED", children: [{ status: "PAUSED" }] };
  await vi.waitFor(async () => expect(await loom.look(run)).toMatchObject(paused));
  await loom.change(how === "cancelled" ? "cancelRun" : "resumeRun", run);
  await approveAll(loom, run);
  expect(statusesOf(await loom.look(run))).toMatchObject({ undoA: "SUCCEEDED" });
});
