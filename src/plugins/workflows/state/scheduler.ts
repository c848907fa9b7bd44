import type { NodeDefinition } from "../definition/types.ts";
import { outputOf } from "./outcome.ts";
import type { Plan } from "./plan.ts";
import { isOpen, type Units } from "./units.ts";

/** How a node stands for those that depend on it; LET_BE: it failed, and the run goes on without it. */
type Standing = "OPEN" | "SUCCEEDED" | "SKIPPED" | "LET_BE" | "FAILED";

/** What there is to do in a run. */
export interface Decision {
  /** Nodes whose dependencies are met. Whether their condition holds is not yet known. */
  readonly start: readonly string[];
  /** Nodes that will not run. */
  readonly skip: readonly string[];
  /** The node that fails the run. */
  readonly failed?: string;
}

/**
 * Says what to do next, from how the units stand alone: the same units give the same answer, whoever asks and whenever. It looks only behind the
 * nodes that changed, so that a run takes as long as it has nodes and dependencies.
 *
 * A node stands as its error node where that took over. With ALL a node starts when every dependency has ended; a skipped one counts as met, and a
 * node all of whose dependencies were skipped is skipped. With ANY it starts at the first success, with COUNT at the n-th; where all have ended with
 * fewer, it starts if one succeeded and is skipped otherwise: a failure that is let be is no success. A branch that names a node is waited for whatever
 * the join.
 */
export class Scheduler {
  readonly #plan: Plan;
  readonly #units: Units;
  /** Nodes of which nothing is decided yet. */
  readonly #waiting: Set<string>;
  readonly #skipped = new Set<string>();

  /** @param units as they stand; the scheduler reads them again whenever it is asked. */
  constructor(plan: Plan, units: Units) {
    this.#plan = plan;
    this.#units = units;
    this.#waiting = new Set([...plan.nodes.keys()].filter((key) => !plan.undoes.has(key) && !units.has(key)));
  }

  /** Whether a node may still be started or skipped. */
  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** What to do at the beginning of a turn, whatever happened before it. */
  begin(): Decision {
    return this.next(this.#plan.nodes.keys());
  }

  /** What to do since these nodes changed. */
  next(changed: Iterable<string>): Decision {
    const start: string[] = [];
    const skip: string[] = [];
    let failed: string | undefined;
    let changes = [...changed];
    while (changes.length > 0) {
      failed ??= this.#failedOf(changes);
      const concerned = new Set(changes.flatMap((key) => [key, ...this.#behind(key)]).filter((key) => this.#waiting.has(key)));
      changes = [];
      for (const key of concerned) {
        const next = this.#nextOf(key);
        if (next === "wait") continue;
        this.#waiting.delete(key);
        if (next === "start") start.push(key);
        else {
          skip.push(key);
          this.#skipped.add(key);
          changes.push(key);
        }
      }
    }
    return { start, skip, ...(failed === undefined ? {} : { failed }) };
  }

  /** The node that failed the run: before those that were stopped since it had, which a turn that begins anew finds beside it. */
  #failedOf(keys: readonly string[]): string | undefined {
    const failed = keys.filter((key) => standingOf(this.#plan, this.#units, key) === "FAILED");
    return failed.find((key) => this.#units.get(key)?.status === "FAILED" && !this.#wasStopped(key)) ?? failed[0];
  }

  /** Whether what takes over for it was stopped. */
  #wasStopped(key: string): boolean {
    const { errorNode } = this.#plan.nodes.get(key) ?? {};
    if (errorNode === undefined) return this.#units.get(key)?.status === "CANCELLED";
    return this.#wasStopped(errorNode);
  }

  /** Nodes that a change of one may concern. */
  #behind(key: string): readonly string[] {
    const { nodes, dependents, routedFrom } = this.#plan;
    const behind = [...(dependents.get(key) ?? [])];
    const errorNode = nodes.get(key)?.errorNode;
    if (errorNode !== undefined) behind.push(errorNode);
    // What an error node comes to is what the node comes to that it takes over for.
    for (let routed = routedFrom.get(key); routed !== undefined; routed = routedFrom.get(routed)) {
      behind.push(...(dependents.get(routed) ?? []));
    }
    return behind;
  }

  #nextOf(key: string): "start" | "skip" | "wait" {
    const { nodes, routedFrom } = this.#plan;
    const routed = routedFrom.get(key);
    if (routed !== undefined) {
      if (this.#skipped.has(routed)) return "skip";
      const unit = this.#units.get(routed);
      if (!unit || isOpen(unit)) return "wait";
      return unit.status === "FAILED" || unit.status === "CANCELLED" ? "start" : "skip";
    }
    const node = nodes.get(key);
    return node ? this.#nextOfRegular(node) : "wait";
  }

  #nextOfRegular(node: NodeDefinition): "start" | "skip" | "wait" {
    for (const branch of this.#plan.branchesOf.get(node.key) ?? []) {
      // Whatever the join asks for, a branch that names the node has its say first, or what takes over for it.
      if (this.#skipped.has(branch)) continue;
      const standing = standingOf(this.#plan, this.#units, branch);
      if (standing === "OPEN" || standing === "FAILED") return "wait";
      if ((standing === "SUCCEEDED" || standing === "LET_BE") && outputOf(this.#plan, this.#units, branch) !== node.key) return "skip";
    }
    const depended = [...new Set(node.dependsOn)];
    const standings = depended.map((key) => (this.#skipped.has(key) ? "SKIPPED" : standingOf(this.#plan, this.#units, key)));
    const count = (standing: Standing): number => standings.filter((each) => each === standing).length;
    const succeeded = count("SUCCEEDED");
    const enough = node.join === "ANY" ? 1 : node.join === "COUNT" ? (node.joinCount ?? 1) : Infinity;
    if (depended.length > 0 && succeeded >= enough) return "start";
    if (count("OPEN") > 0 || count("FAILED") > 0) return "wait";
    if (depended.length === 0) return "start";
    return (enough === Infinity ? count("SKIPPED") === depended.length : succeeded === 0) ? "skip" : "start";
  }
}

function standingOf(plan: Plan, units: Units, key: string): Standing {
  const unit = units.get(key);
  if (!unit || isOpen(unit)) return "OPEN";
  if (unit.status === "SUCCEEDED" || unit.status === "SKIPPED") return unit.status;
  const node = plan.nodes.get(key);
  if (node?.onError === "CONTINUE") return "LET_BE";
  if (node?.onError === "ROUTE" && node.errorNode !== undefined) return standingOf(plan, units, node.errorNode);
  return "FAILED";
}
