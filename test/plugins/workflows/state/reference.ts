import fc from "fast-check";
import type { NodeDefinition } from "../../../../src/plugins/workflows/definition/types.ts";
import { targetsOf } from "../../../../src/plugins/workflows/state/plan.ts";
import type { UnitStatus } from "../../../../src/plugins/workflows/state/units.ts";

/** A node with what its work will come to. */
export interface Scripted extends NodeDefinition {
  readonly fails: boolean;
  /** Whether its condition is false. */
  readonly skips: boolean;
  /** Of a branch: which of its targets it chooses. */
  readonly chooses: number;
}

/** How a run ends. */
export interface Expected {
  /** What each node comes to where none fails the run. */
  readonly statuses: ReadonlyMap<string, UnitStatus>;
  /** Nodes that fail the run; which of them does is a matter of time. */
  readonly failed: ReadonlySet<string>;
}

type Standing = "SUCCEEDED" | "SKIPPED" | "LET_BE" | "FAILED";

/** Which target a branch chooses. */
export function chosenBy(branch: Scripted): string | undefined {
  const targets = targetsOf(branch);
  return targets[branch.chooses % Math.max(1, targets.length)];
}

/** How a run ends, told by recursion over the definition alone: no order of events, no state. */
export function expectedOf(nodes: readonly Scripted[]): Expected {
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const routedFrom = new Map(nodes.flatMap(({ key, errorNode }) => (errorNode === undefined ? [] : [[errorNode, key] as const])));
  const statuses = new Map<string, UnitStatus>();
  const failed = new Set<string>();

  function statusOf(key: string): UnitStatus {
    const known = statuses.get(key);
    if (known) return known;
    const node = byKey.get(key);
    if (!node) throw new Error(`no node ${key}`);
    const status = !willRun(node) || node.skips ? "SKIPPED" : node.fails ? "FAILED" : "SUCCEEDED";
    statuses.set(key, status);
    if (standingOf(key) === "FAILED") failed.add(key);
    return status;
  }

  function standingOf(key: string): Standing {
    const status = statusOf(key);
    if (status !== "FAILED") return status as Standing;
    const node = byKey.get(key);
    if (node?.onError === "CONTINUE") return "LET_BE";
    return node?.onError === "ROUTE" && node.errorNode !== undefined ? standingOf(node.errorNode) : "FAILED";
  }

  function willRun(node: Scripted): boolean {
    const routed = routedFrom.get(node.key);
    if (routed !== undefined) return statusOf(routed) === "FAILED";
    if (node.dependsOn.length === 0) return true;
    const branches = node.dependsOn
      .map((key) => byKey.get(key))
      .filter((each) => each?.kind === "branch" && targetsOf(each).includes(node.key));
    for (const branch of branches) if (branch && statusOf(branch.key) === "SUCCEEDED" && chosenBy(branch) !== node.key) return false;
    const standings = node.dependsOn.map(standingOf);
    return node.join === "ALL" ? standings.some((each) => each !== "SKIPPED") : standings.includes("SUCCEEDED");
  }

  for (const { key } of nodes) statusOf(key);
  return { statuses, failed };
}

/** Any acyclic definition: dependencies only reach back, branches name some of their dependents, a few nodes have error nodes. */
export const anyNodes = (maxLength = 12): fc.Arbitrary<readonly Scripted[]> =>
  fc
    .array(
      fc.record({
        back: fc.array(fc.nat(30), { maxLength: 4 }),
        join: fc.constantFrom("ALL" as const, "ALL" as const, "ANY" as const, "COUNT" as const),
        joinCount: fc.integer({ min: 1, max: 3 }),
        onError: fc.constantFrom("FAIL" as const, "CONTINUE" as const, "ROUTE" as const),
        fails: fc.boolean(),
        skips: fc.nat(5).map((n) => n === 5),
        isBranch: fc.boolean(),
        chooses: fc.nat(5),
        named: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
      }),
      { minLength: 1, maxLength },
    )
    .map((raw) => {
      const keys = raw.map((_, at) => `n${at}`);
      const dependsOn = raw.map(({ back }, at) => (at === 0 ? [] : [...new Set(back.map((n) => keys[n % at] ?? ""))]));
      return raw.flatMap((each, at): Scripted[] => {
        const key = keys[at] ?? "";
        const dependents = keys.filter((_, other) => dependsOn[other]?.includes(key) && each.named[other]);
        const isBranch = each.isBranch && dependents.length > 0;
        const [last, ...others] = dependents.toReversed();
        const config = isBranch ? { cases: others.map((to) => ({ when: "true", to })), else: last } : {};
        const onError = isBranch ? "FAIL" : each.onError;
        const node: Scripted = {
          key,
          name: key,
          kind: isBranch ? "branch" : "transform",
          dependsOn: dependsOn[at] ?? [],
          config,
          join: each.join,
          ...(each.join === "COUNT" ? { joinCount: each.joinCount } : {}),
          onError,
          ...(onError === "ROUTE" ? { errorNode: `e${at}` } : {}),
          fails: !isBranch && each.fails,
          skips: each.skips,
          chooses: each.chooses,
        };
        if (onError !== "ROUTE") return [node];
        const errorNode: Scripted = {
          ...node,
          key: `e${at}`,
          name: `e${at}`,
          dependsOn: [],
          join: "ALL",
          onError: each.chooses % 2 === 0 ? "FAIL" : "CONTINUE",
          fails: each.chooses % 3 === 0,
          skips: false,
        };
        const { errorNode: _, joinCount: __, ...bare } = errorNode;
        return [node, bare];
      });
    });
