import { knownValue } from "./late-value.ts";
import type { Plan } from "./plan.ts";
import { isOpen, type UnitRecord, type Units } from "./units.ts";

/** What a node gave, for expressions and for the run's output: where it failed and another took over, what that gave. It may be late. */
export function outputOf(plan: Plan, units: Units, key: string): unknown {
  const unit = units.get(key);
  if (unit?.status === "SUCCEEDED") return unit.output ?? null;
  const node = plan.nodes.get(key);
  return unit?.status === "FAILED" && node?.onError === "ROUTE" && node.errorNode !== undefined
    ? outputOf(plan, units, node.errorNode)
    : null;
}

/** The run's output: the value of its last nodes, skipped ones left out; an object by key where there are several. */
export async function runOutput(plan: Plan, units: Units): Promise<unknown> {
  const given = plan.last.filter((key) => units.get(key)?.status !== "SKIPPED");
  const [only] = given;
  if (only === undefined) return null;
  if (given.length === 1) return knownValue(outputOf(plan, units, only));
  return Object.fromEntries(await Promise.all(given.map(async (key) => [key, await knownValue(outputOf(plan, units, key))] as const)));
}

/** Nodes to undo, the last that ended first: those that succeeded in this run itself and name what undoes them. */
export function toCompensate(plan: Plan, units: Units): readonly UnitRecord[] {
  const place = new Map(plan.order.map((key, index) => [key, index]));
  const placeOf = (key: string): number => place.get(key) ?? Infinity;
  return [...plan.nodes.values()]
    .flatMap(({ key, undo }) => {
      const unit = units.get(key);
      return undo !== undefined && unit?.status === "SUCCEEDED" && !unit.replayed ? [unit] : [];
    })
    .toSorted((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || placeOf(b.key) - placeOf(a.key));
}

/** Whether what was to undo a node has ended, one way or the other. */
export function isCompensated(plan: Plan, units: Units, key: string): boolean {
  const undo = units.get(plan.nodes.get(key)?.undo ?? "");
  return undo !== undefined && !isOpen(undo) && undo.status !== "CANCELLED";
}
