import type { Plan } from "./plan.ts";
import { isDone, isOpen, nodeOf, type UnitRecord, type Units } from "./units.ts";

/**
 * What a run that begins again at a node takes over: the nodes that came to an end, but for that node, what comes behind it, and what was undone
 * with all behind it.
 */
export function keptBefore(plan: Plan, units: Units, node: string): readonly string[] {
  const again = behind(plan, [node, ...undone(plan, units)]);
  return ended(plan, units).flatMap(({ key }) => (again.has(key) ? [] : [key]));
}

/** What a run that begins again behind a step takes over. */
export function keptAt(plan: Plan, units: Units, step: UnitRecord): readonly string[] {
  const again = behind(plan, undone(plan, units));
  const isBefore = ({ num, finishedAt = 0 }: UnitRecord): boolean => {
    const at = step.finishedAt ?? 0;
    return finishedAt < at || (finishedAt === at && num <= step.num);
  };
  return ended(plan, units).flatMap((unit) => (!again.has(unit.key) && isBefore(unit) ? [unit.key] : []));
}

/** Nodes that need nothing more, those that only undo others left out. */
function ended(plan: Plan, units: Units): readonly UnitRecord[] {
  return [...units.values()].filter((unit) => {
    const { key, status } = unit;
    if (key !== nodeOf(key) || plan.undoes.has(key) || isOpen(unit)) return false;
    return isDone(unit) || (status === "FAILED" && plan.nodes.get(key)?.onError !== "FAIL");
  });
}

/** Nodes whose effect is gone. */
function undone(plan: Plan, units: Units): readonly string[] {
  return [...plan.undoes].flatMap(([undo, node]) => (units.get(undo)?.status === "SUCCEEDED" ? [node] : []));
}

/** These nodes, and all that come behind them or take over for them. */
function behind({ nodes, dependents, routedFrom }: Plan, from: readonly string[]): ReadonlySet<string> {
  const found = new Set(from);
  for (const key of found) {
    const { errorNode } = nodes.get(key) ?? {};
    if (errorNode !== undefined) found.add(errorNode);
    for (const each of dependents.get(key) ?? []) found.add(each);
    for (let routed = routedFrom.get(key); routed !== undefined; routed = routedFrom.get(routed)) {
      for (const each of dependents.get(routed) ?? []) found.add(each);
    }
  }
  return found;
}
