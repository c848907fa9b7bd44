import { join } from "node:path";
import Database from "better-sqlite3";
import { makeBed, shipped, type Bed, type Side } from "./bed.ts";
import { loadFigures, loadOf, type Load } from "./load.ts";
import { quantile, sleep, type Figure } from "./measure.ts";
import { makeWorkflow, startWorkflow, workflowOf, type Shape } from "./workflow.ts";

const nodes = 10;
const concurrency = 16;
const alone = 300;

interface Measured {
  readonly aloneMs: number;
  readonly load: Load;
}

/** Ten nodes, in a row and side by side: alone, and many runs at a time. */
export async function workflowRuns(): Promise<Figure[]> {
  const inRow = { ours: await measure("ours", "row"), bound: await measure("bound", "row") };
  const beside = { ours: await measure("ours", "side by side"), bound: await measure("bound", "side by side") };
  return [
    {
      work: `a workflow of ${nodes} nodes in a row: a node, p50, one run at a time`,
      unit: "ms",
      ours: inRow.ours.aloneMs / nodes,
      bound: inRow.bound.aloneMs / nodes,
      target: 0.5,
      boundThen: 0.071,
      better: "less",
      note: "each is on disk before the next begins",
    },
    ...loadFigures(
      `workflows of ${nodes} nodes in a row, ${concurrency} at a time`,
      { perSecond: { target: 700, boundThen: 2_571 } },
      { ours: inRow.ours.load, bound: inRow.bound.load },
    ),
    {
      work: `a workflow of ${nodes} nodes side by side: the run, p50, one at a time`,
      unit: "ms",
      ours: beside.ours.aloneMs,
      bound: beside.bound.aloneMs,
      target: 2.5,
      boundThen: 0.51,
      better: "less",
    },
    ...loadFigures(
      `workflows of ${nodes} nodes side by side, ${concurrency} at a time`,
      { perSecond: { target: 900, boundThen: 3_954 } },
      { ours: beside.ours.load, bound: beside.bound.load },
    ),
  ];
}

async function measure(side: Side, shape: Shape): Promise<Measured> {
  const bed = await makeBed(side, shipped);
  const line = await bed.line();
  const once = await workflowOf(bed, side, nodes, shape);
  const load = await loadOf(
    bed,
    Array.from({ length: concurrency }, () => () => once(line)),
  );
  const aloneMs = await timeOf(alone, () => once(line));
  line.close();
  bed.close();
  return { aloneMs, load };
}

/** The median of so many, one after the other. */
async function timeOf(times: number, work: () => Promise<void>): Promise<number> {
  const measured: number[] = [];
  for (let at = 0; at < times; at++) {
    const began = performance.now();
    await work();
    measured.push(performance.now() - began);
  }
  return quantile(measured, 0.5);
}

/** What a node costs in a workflow of a thousand, over what it costs in one of a hundred: time, and bytes of all that is stored. */
export async function longWorkflows(): Promise<Figure[]> {
  const bed = await makeBed("ours", shipped);
  const line = await bed.line();
  const of = async (count: number): Promise<{ readonly ms: number; readonly bytes: number }> => {
    const once = await workflowOf(bed, "ours", count, "row");
    for (let warm = 0; warm < 2_000; warm += count) await once(line);
    const runs = 3_000 / count;
    const before = bytesOf(bed);
    const ms = (await timeOf(runs, () => once(line))) / count;
    return { ms, bytes: (bytesOf(bed) - before) / runs / count };
  };
  const hundred = await of(100);
  const thousand = await of(1_000);
  line.close();
  bed.close();
  return [
    {
      work: "a node of a workflow of 1,000 in a row, over one of 100: time",
      unit: "",
      ours: thousand.ms / hundred.ms,
      target: 1.2,
      better: "less",
      note: `${thousand.ms.toFixed(2)} ms, ${hundred.ms.toFixed(2)} ms`,
    },
    {
      work: "a node of a workflow of 1,000 in a row, over one of 100: bytes stored",
      unit: "",
      ours: thousand.bytes / hundred.bytes,
      target: 1.1,
      better: "less",
      note: `${Math.round(thousand.bytes)} bytes, ${Math.round(hundred.bytes)} bytes: events, step and checkpoint with all indices`,
    },
  ];
}

/** Pages of all tables and indices. */
function bytesOf({ folder }: Bed): number {
  const db = new Database(join(folder, "weftline.db"), { readonly: true });
  try {
    return (db.prepare("select sum(pgsize) as bytes from dbstat").get() as { bytes: number }).bytes;
  } finally {
    db.close();
  }
}

const waitingRuns = 10_000;
const idleSeconds = 20;

/** What runs cost that wait for a signal, for a time a day away and for a person: nothing. */
export async function waitingWorkflows(): Promise<Figure[]> {
  const bed = await makeBed("ours", shipped);
  const line = await bed.line();
  const workflows = await Promise.all([
    makeWorkflow(bed, "for a signal", [{ key: "go", kind: "wait", config: { signal: "go" } }]),
    makeWorkflow(bed, "for a day", [{ key: "go", kind: "wait", config: { duration: "P1D" } }]),
    makeWorkflow(bed, "for a person", [{ key: "go", kind: "approval", config: { message: "Go?" } }]),
  ]);
  const empty = await idleCpu(bed);
  for (let at = 0; at < waitingRuns; at += 40)
    await Promise.all(Array.from({ length: 40 }, (_, n) => startWorkflow(line, workflows[n % workflows.length] ?? "")));
  await settled(bed);
  const full = await idleCpu(bed);
  line.close();
  bed.close();
  return [
    {
      work: `${waitingRuns.toLocaleString("en")} runs that wait for a signal, a time or a person: server CPU a second`,
      unit: "ms",
      ours: full,
      bound: empty,
      target: 10,
      better: "less",
      note: "bound: the same server without them",
    },
  ];
}

/** Milliseconds of CPU a second while nothing is asked. */
async function idleCpu(bed: Bed): Promise<number> {
  const before = bed.cpu();
  await sleep(idleSeconds * 1_000);
  return ((bed.cpu() - before) / idleSeconds) * 1_000;
}

/** Until all of them wait, and what follows on so much work is done. */
async function settled({ folder }: Bed): Promise<void> {
  for (;;) {
    const db = new Database(join(folder, "weftline.db"), { readonly: true });
    const { open } = db.prepare("select count(*) as open from runs_run where status <> 'WAITING'").get() as { open: number };
    db.close();
    await sleep(5_000);
    if (open === 0) return;
  }
}
