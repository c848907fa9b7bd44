import { isFinal, type Asked, type PlannedNode } from "../events.ts";
import type { RunTree, RunView, Unit } from "../tree.ts";

/** How a node looks. */
export type Look = "pending" | "running" | "asked" | "waiting" | "succeeded" | "failed" | "skipped" | "cancelled";

/** A node as one line shows it, and the runs that are at work below it. */
export interface NodeView {
  readonly key: string;
  readonly name: string;
  readonly look: Look;
  readonly isEnded: boolean;
  /** Words beside its name. */
  readonly details: readonly string[];
  readonly ms?: number;
  readonly error?: string;
  readonly activeRuns: readonly { readonly run: RunView; readonly label?: string }[];
}

/** How many items of a map are shown while they are at work. */
const maxItems = 3;

/** The nodes of a run: those that its workflow declares in their order, then others as they began. Nodes that only take over or undo are shown when they begin. */
export function nodesOf(tree: RunTree, run: RunView, now: number): readonly NodeView[] {
  const plan = run.id === tree.rootId ? tree.plan : [];
  const aside = new Set(plan.flatMap(({ undo, errorNode }) => [undo, errorNode].filter((key) => key !== null)));
  const undoes = new Set(plan.flatMap(({ undo }) => undo ?? []));
  const known = new Set(plan.map(({ key }) => key));
  const others = [...new Set([...run.units.values()].map(({ nodeKey }) => nodeKey))].filter((key) => !known.has(key));
  return [
    ...plan
      .filter(({ key }) => run.units.has(key) || !aside.has(key))
      .map((node) => viewOf(tree, run, node, { now, undoes: undoes.has(node.key) })),
    ...others.map((key) => viewOf(tree, run, { key, name: key }, { now, undoes: false })),
  ];
}

/** Whether a node of the root is at work, and does not only wait. */
export function isWorking(tree: RunTree): boolean {
  return nodesOf(tree, tree.root, 0).some(({ look }) => look === "running");
}

interface Named extends Partial<PlannedNode> {
  readonly key: string;
  readonly name: string;
}

function viewOf(tree: RunTree, run: RunView, node: Named, { now, undoes }: { readonly now: number; readonly undoes: boolean }): NodeView {
  const { key, name, kind } = node;
  const unit = run.units.get(key);
  const inner = [...run.units.values()].filter((each) => each.nodeKey === key && each.iteration !== undefined);
  const child = unit?.childRunId === undefined ? undefined : tree.runs.get(unit.childRunId);
  const working = inner.filter(({ status }) => status === "RUNNING");
  const activeRuns = child
    ? [{ run: child }]
    : working.slice(0, maxItems).flatMap(({ childRunId, iteration }) => {
        const below = childRunId === undefined ? undefined : tree.runs.get(childRunId);
        return below ? [{ run: below, label: `[${iteration ?? 0}]` }] : [];
      });
  const look = lookOf(tree, run, unit, kind, child);
  const ms = unit && (unit.durationMs ?? (unit.status === "RUNNING" ? now - unit.startedAt : undefined));
  const details = [
    ...(kind === undefined ? [] : [kind]),
    ...(undoes ? ["undo"] : []),
    ...(child ? [agentOf(child)] : []),
    ...(inner.length > 0 ? [countOf(tree, node, inner)] : []),
    ...(unit && unit.attempt > 1 ? [`attempt ${unit.attempt}`] : []),
    ...(child?.isSimulated ? ["SIMULATED"] : []),
    ...(kind === "branch" && unit?.status === "SUCCEEDED" ? chosenBy(run, node) : []),
    ...(look === "pending" && (node.dependsOn?.length ?? 0) > 0 ? [`after ${node.dependsOn?.join(", ")}`] : []),
  ];
  return {
    key,
    name,
    look,
    isEnded: unit !== undefined && unit.status !== "RUNNING" && unit.status !== "WAITING",
    details,
    // A time of nothing says nothing.
    ...(ms === undefined || look === "skipped" ? {} : { ms }),
    ...(unit?.error === undefined || look === "skipped" ? {} : { error: unit.error }),
    activeRuns: unit?.status === "RUNNING" ? activeRuns : [],
  };
}

function agentOf({ name, framework }: RunView): string {
  return framework === undefined ? (name ?? "run") : `${name} (${framework})`;
}

function lookOf(tree: RunTree, run: RunView, unit: Unit | undefined, kind: string | undefined, child: RunView | undefined): Look {
  if (!unit) return "pending";
  switch (unit.status) {
    case "SUCCEEDED":
      return "succeeded";
    case "SKIPPED":
      return "skipped";
    case "FAILED":
      return "failed";
    case "CANCELLED":
      return "cancelled";
    default:
  }
  if (isFinal(run.status)) return "cancelled";
  if ([...tree.pending.values()].some((asked) => isAskedBy(asked, unit, run, child))) return "asked";
  return kind === "wait" || unit.status === "WAITING" || child?.status === "PAUSED" ? "waiting" : "running";
}

/** Whether a unit waits for the answer to a question: its own, one of its items, or one of the run below it. */
function isAskedBy({ run: of, step }: Asked, { nodeKey }: Unit, run: RunView, child: RunView | undefined): boolean {
  if (child !== undefined && of?.id === child.id) return true;
  return of?.id === run.id && step?.nodeKey === nodeKey;
}

/** How far a map or a loop is, as in `3/10`, with what failed. */
function countOf(tree: RunTree, { key, kind, config }: Named, inner: readonly Unit[]): string {
  const ended = inner.filter(({ status }) => status !== "RUNNING" && status !== "WAITING").length;
  const failed = inner.filter(({ status }) => status === "FAILED").length;
  const most = kind === "loop" ? (config as { readonly max?: unknown } | undefined)?.max : undefined;
  const total = tree.totals.get(key) ?? (typeof most === "number" ? most : undefined);
  const words =
    kind === "loop"
      ? `round ${Math.max(1, inner.length)}${total === undefined ? "" : ` of at most ${total}`}`
      : `${ended}/${total ?? inner.length}`;
  return failed > 0 ? `${words}, ${failed} failed` : words;
}

/** Which node a branch chose: of those that it names, the one that is not skipped. */
function chosenBy(run: RunView, { config }: Named): readonly string[] {
  const { cases, else: other } = (config ?? {}) as { readonly cases?: unknown; readonly else?: unknown };
  const named = [...(Array.isArray(cases) ? (cases as readonly { readonly to?: unknown }[]).map(({ to }) => to) : []), other];
  const keys = [...new Set(named.filter((to): to is string => typeof to === "string"))];
  const rest = keys.filter((to) => run.units.get(to)?.status !== "SKIPPED");
  return rest.length === 1 && rest.length < keys.length ? [`-> ${rest[0]}`] : [];
}
