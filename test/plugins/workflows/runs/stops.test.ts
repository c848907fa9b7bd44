import Database from "better-sqlite3";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { z } from "zod";
import { WeftlineError, contribution, definePlugin, localId } from "#weftline";
import { faultInjections, type Failpoint } from "../../../../src/core/runs/failpoint.ts";
import { defineNodeKind } from "../../../../src/plugins/workflows/contract.ts";
import { crashCopy } from "../../../../src/testing/conformance/crash-copy.ts";
import { openLoom, statusesOf, type Loom, type RunEventSeen } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

it("an item of a map that fails it ends the others that wait, and the run goes on from the map's end", async () => {
  const map = { over: "['first', 'second']", node: { kind: "approval", config: { message: "{{ item }}" } } };
  const run = await loom.start(
    await loom.create([
      { key: "m", kind: "map", onError: "CONTINUE", config: map },
      { key: "after", kind: "transform", dependsOn: ["m"], config: { expression: "nodes.m.status" } },
    ]),
  );
  const asked: string[] = [];
  await loom.follow(run, async ({ interrupt, interruptStatus }) => {
    if (interruptStatus !== "PENDING" || !interrupt) return false;
    asked.push(interrupt.message);
    if (asked.length === 2) await loom.decide(interrupt, { kind: "REJECT" });
    return false;
  });
  const seen = await loom.look(run);
  expect(seen).toMatchObject({ status: "SUCCEEDED", output: "FAILED" });
  expect(Object.values(statusesOf(seen)).toSorted()).toEqual(["CANCELLED", "FAILED", "FAILED", "SUCCEEDED"]);
});

it("a run that waits is not due for the retry of an item that its map no longer needs", async () => {
  const odd = defineNodeKind({
    kind: "odd",
    description: "Fails, or asks.",
    config: z.strictObject({ does: z.string() }),
    startsByContext: true,
    async run(ctx, { does }) {
      if (does === "fail") throw new Error("No.");
      await ctx.ask({ kind: "REVIEW", message: "Go?", allowed: ["APPROVE", "REJECT"] });
      throw new WeftlineError("NODE_REJECTED", { node: ctx.key, reason: "." });
    },
  });
  await using other = await openLoom({ kinds: [odd] });
  const inner = { kind: "odd", retry: { attempts: 2, delay: "PT1M" }, config: { does: "{{ item }}" } };
  const run = await other.start(
    await other.create([
      { key: "m", kind: "map", onError: "CONTINUE", config: { over: "['fail', 'ask']", node: inner } },
      { key: "w", kind: "wait", dependsOn: ["m"], config: { signal: "go" } },
    ]),
  );
  await other.follow(run, async ({ interrupt, interruptStatus }) => {
    if (interruptStatus === "PENDING" && interrupt) await other.decide(interrupt, { kind: "REJECT" });
    return statusesOf(await other.look(run))["w"] === "RUNNING";
  });
  await other.follow(run, async ({ runStatus }) => runStatus === "WAITING" && (await other.look(run)).status === "WAITING");
  const due = await other.app.platform.database.read.all("select key from runs_step where due_at is not null");
  expect(due).toEqual([]);
});

it("a cancel ends a map of which more items wait for a place than have one", async () => {
  const map = { over: "input.items", concurrency: 64, node: { kind: "tool", config: { tool: "loom.hang", arguments: {} } } };
  const run = await loom.start(await loom.create([{ key: "m", kind: "map", config: map }]), { items: Array.from({ length: 64 }, () => 1) });
  await loom.follow(run, ({ key }) => key === "tool/1");
  await loom.cancel(run);
  expect((await loom.follow(run)).at(-1)).toMatchObject({ type: "run.cancelled" });
});

it("a run that is to end waits for what undoes a run below, and for no time that is over since", async () => {
  const below = await loom.create([
    { key: "a", kind: "transform", undo: "undo", config: { expression: "1" } },
    { key: "w", kind: "wait", dependsOn: ["a"], config: { duration: "PT1H" } },
    { key: "undo", kind: "approval", config: { message: "Undo?" } },
  ]);
  const run = await loom.start(
    await loom.create([
      { key: "below", kind: "workflow", config: { workflow: { id: below } } },
      { key: "soon", kind: "wait", config: { duration: "PT0.5S" } },
    ]),
  );
  await loom.follow(run, ({ runId, runStatus }) => runId !== run && runStatus === "WAITING");
  await loom.cancel(run);
  let asked: RunEventSeen["interrupt"];
  await loom.follow(run, ({ interrupt }) => (asked = interrupt) !== undefined);
  const { read } = loom.app.platform.database;
  const atRest = async () =>
    read.get("select 1 from runs_run where id = ? and lease_owner is null and due_at is null", localId("Run", run) ?? "");
  await vi.waitFor(async () => expect(await atRest()).toBeDefined(), 10_000);
  await loom.decide(asked as NonNullable<typeof asked>, { kind: "APPROVE" });
  expect((await loom.follow(run)).at(-1)).toMatchObject({ type: "run.cancelled", runId: run });
});

it("a map goes on to its failure where the process is lost between that of an item and the end of the others", async () => {
  const map = { over: "['first', 'second']", node: { kind: "approval", config: { message: "{{ item }}" } } };
  const run = await loom.start(await loom.create([{ key: "m", kind: "map", onError: "CONTINUE", config: map }]));
  await loom.follow(run, ({ runStatus }) => runStatus === "WAITING");
  const dataDir = crashCopy(loom.app.dataDir);
  failFirstItem(join(dataDir, "weftline.db"), localId("Run", run) ?? "");
  await using other = await openLoom({ dataDir });
  await other.app.graphql('mutation ($run: ID!) { signalRun(run: $run, name: "wake") { __typename ... on UserError { message } } }', {
    run,
  });
  await other.follow(run);
  const seen = await other.look(run);
  expect(seen.status).toBe("SUCCEEDED");
  expect(statusesOf(seen)).toEqual({ m: "FAILED", "m/0": "FAILED", "m/1": "CANCELLED" });
  rmSync(dataDir, { recursive: true, force: true });
});

/** Says that the first item of a map has failed, as the last that its process could say. */
function failFirstItem(file: string, runId: string): void {
  const db = new Database(file);
  const step = db.prepare("select num from runs_step where run_id = ? and key = 'm/0'").get(runId) as { num: number };
  const last = db
    .prepare("select e.* from runs_event e join runs_run r on e.stream_num = r.stream_num where r.id = ? order by e.seq desc limit 1")
    .get(runId) as Record<string, unknown> & { seq: number; stream_num: number };
  const row = {
    ...last,
    seq: last.seq + 1,
    kind: "step.finished",
    payload: JSON.stringify({ s: step.num, status: "FAILED", error: "No." }),
  };
  const names = Object.keys(row);
  db.prepare(`insert into runs_event (${names.join(", ")}) values (${names.map((name) => `@${name}`).join(", ")})`).run(row);
  db.prepare("update runs_stream set head = ? where num = ?").run(row.seq, last.stream_num);
  db.prepare("update runs_step set status = 'FAILED', error = 'No.', finished_at = started_at where run_id = ? and key = 'm/0'").run(runId);
  db.close();
}

it.each(["finish.before", "withdrawQuestions.before"])(
  "a question is resolved once, also where it is decided as its run ends, at %s",
  async (place) => {
    let reached = (): void => undefined;
    const failpoint: Failpoint = (at) => void (at === place && reached());
    const faulty = definePlugin({ id: "faulty", contributes: [contribution(faultInjections, "suite", { failpoint })] });
    await using own = await openLoom({ plugins: [faulty()] });
    const asks = (key: string) => ({ key, kind: "approval", config: { message: key } });
    const run = await own.start(await own.create([asks("a"), asks("b")]));
    const asked = new Map<string, NonNullable<RunEventSeen["interrupt"]>>();
    const late: Promise<string>[] = [];
    const events = await own.follow(run, async ({ interrupt, interruptStatus }) => {
      if (interruptStatus !== "PENDING" || !interrupt) return false;
      asked.set(interrupt.message, interrupt);
      const [a, b] = [asked.get("a"), asked.get("b")];
      if (!a || !b) return false;
      reached = () => void late.push(own.decide(b, { kind: "APPROVE" }));
      await own.decide(a, { kind: "REJECT" });
      return false;
    });
    const resolved = events.flatMap(({ interrupt, interruptStatus }) =>
      interrupt && interruptStatus !== "PENDING" ? [[interrupt.message, interruptStatus]] : [],
    );
    expect(late).toHaveLength(1);
    const status = (await late[0]) === "DecideInterruptPayload" ? "RESOLVED" : "CANCELLED";
    expect(resolved).toEqual([
      ["a", "RESOLVED"],
      ["b", status],
    ]);
  },
);
