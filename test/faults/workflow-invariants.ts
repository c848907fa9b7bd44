import type Database from "better-sqlite3";
import type { WorkflowDefinition } from "../../src/plugins/workflows/definition/types.ts";
import type { EventRow } from "./answers.ts";

/** A run, as far as these invariants look at it. */
export interface WorkflowRunRow {
  readonly id: string;
  readonly start_seq: number;
  readonly target_type: string;
  readonly target_id: string;
  readonly target_version: number | null;
}

/** One attempt at a unit, by its place in the log. */
interface Attempted {
  readonly key: string;
  readonly startedAt: number;
  endedAt?: number;
  status?: string;
}

type Node = WorkflowDefinition["nodes"][number];
type Standing = "OPEN" | "SUCCEEDED" | "SKIPPED" | "FAILED";

/** What is wrong with how a run of a workflow went, in words: units that succeeded twice, nodes that began too early, wakes for nothing. */
export function workflowViolations(db: Database.Database, run: WorkflowRunRow, rows: readonly EventRow[]): string[] {
  const own = rows.filter(({ run_seq }) => run_seq === run.start_seq);
  const found = endsBeforeChildren(db, run, rows);
  const definition = definitionOf(db, run);
  if (!definition) return found;
  const attempts = attemptsOf(own);
  found.push(...succeededTwice(run, attempts), ...startedEarly(run, definition, attempts));
  const wakes = wokenWithoutNews(db, run, { own, rows, attempts, definition });
  return wakes === undefined ? found : [...found, wakes];
}

function definitionOf(db: Database.Database, { target_type: type, target_id: id, target_version: version }: WorkflowRunRow) {
  if (type !== "Workflow") return undefined;
  const row = db.prepare("select definition from workflows_version where workflow_id = ? and version = ?").get(id, version) as
    | { definition: string }
    | undefined;
  return row && (JSON.parse(row.definition) as WorkflowDefinition);
}

function attemptsOf(own: readonly EventRow[]): Attempted[] {
  const byStep = new Map<number, Attempted>();
  for (const { kind, seq, payload } of own) {
    if (kind !== "step.started" && kind !== "step.finished") continue;
    const step = JSON.parse(payload) as { s: number; key: string; node?: string; status: string };
    if (kind === "step.finished") Object.assign(byStep.get(step.s) ?? {}, { endedAt: seq, status: step.status });
    else if (step.node !== undefined) byStep.set(step.s, { key: step.key, startedAt: seq });
  }
  return [...byStep.values()];
}

/** An event that ends a run. */
const isEnd = ({ kind }: EventRow): boolean => /^run\.(finished|failed|cancelled|expired)$/.test(kind);

/** No run ends before those that it started. */
function endsBeforeChildren(db: Database.Database, run: WorkflowRunRow, rows: readonly EventRow[]): string[] {
  const endOf = (start: number): number | undefined => rows.find((row) => row.run_seq === start && isEnd(row))?.seq;
  const end = endOf(run.start_seq);
  if (end === undefined) return [];
  const children = db.prepare("select id, start_seq from runs_run where parent_id = ?").all(run.id) as WorkflowRunRow[];
  return children.flatMap(({ id, start_seq: start }) => {
    const childEnd = endOf(start);
    return childEnd !== undefined && childEnd < end ? [] : [`run ${run.id} ended before ${id}, which it started`];
  });
}

function succeededTwice({ id }: WorkflowRunRow, attempts: readonly Attempted[]): string[] {
  const succeeded = Map.groupBy(
    attempts.filter(({ status }) => status === "SUCCEEDED"),
    ({ key }) => key,
  );
  return [...succeeded].flatMap(([key, { length }]) => (length > 1 ? [`run ${id}: ${key} succeeded ${length} times`] : []));
}

/** A node begins when its dependencies are met, an error node after the failure that it takes over for, an undo node after what it undoes. */
function startedEarly({ id }: WorkflowRunRow, { nodes }: WorkflowDefinition, attempts: readonly Attempted[]): string[] {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  return nodes.flatMap((node) => {
    // One that is skipped does not begin: it is known early that it is not needed.
    const first = attempts.find(({ key, status }) => key === node.key && status !== "SKIPPED");
    if (!first) return [];
    const standing = (key: string): Standing => standingAt(byKey, attempts, key, first.startedAt);
    const failed = nodes.find(({ errorNode }) => errorNode === node.key);
    if (failed)
      return lastBefore(attempts, failed.key, first.startedAt)?.status === "FAILED" ? [] : [`run ${id}: ${node.key} took over too early`];
    const undone = nodes.find(({ undo }) => undo === node.key);
    if (undone) return standing(undone.key) === "SUCCEEDED" ? [] : [`run ${id}: ${node.key} undid nothing`];
    return isMet(node, node.dependsOn.map(standing)) ? [] : [`run ${id}: ${node.key} began before its dependencies were met`];
  });
}

function isMet({ join, joinCount = 1 }: Node, standings: readonly Standing[]): boolean {
  if (standings.every((each) => each !== "OPEN" && each !== "FAILED")) return true;
  const needed = join === "ANY" ? 1 : join === "COUNT" ? joinCount : Infinity;
  return standings.filter((each) => each === "SUCCEEDED").length >= needed;
}

/** How a node stood for those that depend on it. */
function standingAt(nodes: ReadonlyMap<string, Node>, attempts: readonly Attempted[], key: string, at: number): Standing {
  const last = lastBefore(attempts, key, at);
  if (last?.status === undefined) return "OPEN";
  if (last.status === "SUCCEEDED" || last.status === "SKIPPED") return last.status;
  // One that is tried again has not failed yet.
  if (attempts.some((each) => each.key === key && each.startedAt > last.startedAt)) return "OPEN";
  const node = nodes.get(key);
  if (node?.onError === "CONTINUE") return "SUCCEEDED";
  return node?.onError === "ROUTE" && node.errorNode !== undefined ? standingAt(nodes, attempts, node.errorNode, at) : "FAILED";
}

function lastBefore(attempts: readonly Attempted[], key: string, at: number): Attempted | undefined {
  return attempts.findLast((each) => each.key === key && each.endedAt !== undefined && each.endedAt < at);
}

interface Life {
  readonly own: readonly EventRow[];
  readonly rows: readonly EventRow[];
  readonly attempts: readonly Attempted[];
  readonly definition: WorkflowDefinition;
}

/** A run that waits is given a worker when something came for it: a decision, a signal, the end of a run below, a time. */
function wokenWithoutNews(db: Database.Database, { id }: WorkflowRunRow, { own, rows, attempts, definition }: Life): string | undefined {
  const phases = own.filter(({ kind }) => /^run\.(started|resumed|waiting|paused)$/.test(kind));
  const wakes = phases.filter(({ kind }, index) => kind === "run.resumed" && phases[index - 1]?.kind === "run.waiting").length;
  const children = db.prepare("select start_seq from runs_run where parent_id = ?").all(id) as WorkflowRunRow[];
  const starts = new Set(children.map(({ start_seq: start }) => start));
  const told = own.filter(({ kind }) => kind === "interrupt.resolved" || kind === "signal.received").length;
  const ended = rows.filter((row) => starts.has(row.run_seq ?? 0) && isEnd(row)).length;
  const timed = attempts.filter(({ key, status }) => status === "FAILED" || hasTime(definition, key)).length;
  // What was paused goes on by itself.
  const resumed = phases.filter(({ kind }, index) => kind === "run.waiting" && phases[index - 1]?.kind === "run.paused").length;
  const news = told + ended + timed + resumed;
  return wakes > news ? `run ${id} was woken ${wakes} times for ${news} news` : undefined;
}

function hasTime({ nodes }: WorkflowDefinition, key: string): boolean {
  const node = nodes.find((each) => each.key === key.split("/")[0]);
  const { kind, config } = (node?.kind === "map" || node?.kind === "loop" ? node.config["node"] : node) as Pick<Node, "kind" | "config">;
  return node?.timeoutMs !== undefined || (kind === "wait" && config["signal"] === undefined);
}
