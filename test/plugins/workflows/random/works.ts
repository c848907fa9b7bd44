import fc from "fast-check";
import { targetsOf } from "../../../../src/plugins/workflows/state/plan.ts";
import { anyNodes, chosenBy, expectedOf, type Scripted } from "../state/reference.ts";

/** What a node does. */
export type Work =
  | { readonly kind: "transform" | "branch" | "approval" | "input" | "wait" }
  | { readonly kind: "signal"; readonly when: "early" | "late" }
  /** It fails so many times before it succeeds, or before its attempts are used up. */
  | { readonly kind: "tool"; readonly tool: "graph.act" | "graph.once"; readonly failures: number }
  /** Items or rounds; `bad` is the one that fails. */
  | { readonly kind: "map" | "loop"; readonly count: number; readonly bad?: number; readonly onError: "FAIL" | "CONTINUE" }
  | { readonly kind: "workflow"; readonly nodes: readonly Played[] };

/** A node of a graph that is run in earnest. */
export interface Played extends Scripted {
  readonly work: Work;
}

/** A run, and what people do with it meanwhile. */
export interface Script {
  readonly nodes: readonly Played[];
  readonly meanwhile: "nothing" | "pause" | "cancel";
}

const kinds = ["transform", "act", "once", "approval", "input", "wait", "signal", "map", "loop", "workflow"] as const;

interface Spec {
  readonly kind: (typeof kinds)[number];
  readonly count: number;
  readonly bad: number;
  readonly isRare: boolean;
  readonly isUndone: boolean;
}

/** Most graphs reach their end only where few nodes fail them. */
const rarely = fc.nat(5).map((n) => n === 0);

const specs = (below: fc.Arbitrary<readonly Played[]> | undefined): fc.Arbitrary<readonly (Spec & { below: readonly Played[] })[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom(...kinds.filter((kind) => below !== undefined || (kind !== "workflow" && kind !== "signal"))),
      count: fc.nat(3),
      bad: fc.nat(7),
      isRare: rarely,
      isUndone: fc.boolean(),
      below: below ?? fc.constant([]),
    }),
    { minLength: 24, maxLength: 24 },
  );

function graphs(maxLength: number, below?: fc.Arbitrary<readonly Played[]>): fc.Arbitrary<readonly Played[]> {
  return fc.tuple(anyNodes(maxLength), specs(below)).map(([nodes, given]) =>
    nodes.flatMap((node, at) => {
      const spec = given[at % given.length];
      return spec ? played(nodes, node, spec) : [];
    }),
  );
}

/** Any run: of a graph, with runs of smaller graphs below. */
export const anyScript: fc.Arbitrary<Script> = fc.record({
  nodes: graphs(8, graphs(3)),
  meanwhile: fc.constantFrom("nothing" as const, "nothing" as const, "nothing" as const, "pause" as const, "cancel" as const),
});

function played(all: readonly Scripted[], given: Scripted, spec: Spec & { readonly below: readonly Played[] }): Played[] {
  const calm = given.onError === "FAIL" && given.kind !== "branch" && !spec.isRare ? { ...given, fails: false } : given;
  const node = joined(all, calm);
  const work = node.kind === "branch" ? ({ kind: "branch" } as const) : workOf(node, spec);
  const fails = work.kind === "workflow" ? expectedOf(work.nodes).failed.size > 0 : node.fails;
  const isRegular = node.kind !== "branch" && node.key.startsWith("n");
  if (!isRegular || !spec.isUndone) return [{ ...node, fails, work }];
  const undo = `u${node.key.slice(1)}`;
  const undoing: Played = {
    key: undo,
    name: undo,
    kind: "tool",
    dependsOn: [],
    config: {},
    join: "ALL",
    onError: "FAIL",
    fails: false,
    skips: false,
    chooses: 0,
    work: { kind: "tool", tool: "graph.act", failures: 0 },
  };
  return [{ ...node, fails, work, undo }, undoing];
}

/** What a definition has to keep to, that the bare state does not. */
function joined(all: readonly Scripted[], node: Scripted): Scripted {
  const [to] = targetsOf(node.kind === "branch" ? node : { ...node, config: { cases: [] } });
  const config = node.kind === "branch" && targetsOf(node).length === 1 ? { cases: [{ when: "true", to }] } : node.config;
  if (node.dependsOn.length === 0) {
    const { joinCount: _, ...bare } = node;
    return { ...bare, config, join: "ALL" };
  }
  if (node.joinCount === undefined) return { ...node, config };
  const behindBranch = node.dependsOn.some((key) => all.some((each) => each.kind === "branch" && targetsOf(each).includes(key)));
  return { ...node, config, joinCount: behindBranch ? 1 : Math.min(node.joinCount, node.dependsOn.length) };
}

function workOf({ fails }: Scripted, { kind, count, bad, below }: Spec & { readonly below: readonly Played[] }): Work {
  switch (kind) {
    case "transform":
    case "approval":
      return { kind };
    case "input":
    case "wait":
      return fails ? { kind: "transform" } : { kind };
    case "signal":
      return fails ? { kind: "approval" } : { kind, when: count % 2 === 0 ? "early" : "late" };
    case "map":
    case "loop": {
      if (fails) return { kind, count: count + 1, bad: bad % (count + 1), onError: "FAIL" };
      return bad < count ? { kind, count, bad, onError: "CONTINUE" } : { kind, count, onError: "FAIL" };
    }
    case "workflow":
      return below.length > 0 ? { kind, nodes: below } : { kind: "transform" };
    default:
      return { kind: "tool", tool: kind === "act" ? "graph.act" : "graph.once", failures: count % 3 };
  }
}

/** What a graph comes to: outputs of nodes that succeed, and how often its tools are asked for each unit. */
export interface Results {
  readonly outputs: ReadonlyMap<string, unknown>;
  readonly attempts: ReadonlyMap<string, number>;
  readonly output: unknown;
}

/** The node whose output a node is given: only with ALL it is sure to have ended. */
export function givenBy(nodes: readonly Played[], node: Played): string | undefined {
  return nodes.some(({ errorNode }) => errorNode === node.key) || node.join !== "ALL" ? undefined : node.dependsOn[0];
}

/** Told by recursion over the definition, as `expectedOf`. */
export function resultsOf(nodes: readonly Played[]): Results {
  const { statuses } = expectedOf(nodes.filter(isScheduled));
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  const attempts = new Map<string, number>();
  const outputs = new Map<string, unknown>();

  function standsFor(key: string): unknown {
    const node = byKey.get(key);
    if (statuses.get(key) === "SUCCEEDED") return outputOf(key);
    return statuses.get(key) === "FAILED" && node?.onError === "ROUTE" && node.errorNode !== undefined ? standsFor(node.errorNode) : null;
  }

  function outputOf(key: string): unknown {
    const node = byKey.get(key);
    if (!node || statuses.get(key) !== "SUCCEEDED") return null;
    if (outputs.has(key)) return outputs.get(key);
    const from = givenBy(nodes, node);
    const output = outputOfWork(node, from === undefined ? null : standsFor(from));
    outputs.set(key, output);
    return output;
  }

  for (const node of nodes) {
    if (!isScheduled(node)) continue;
    const status = statuses.get(node.key);
    if (status === "SUCCEEDED" || (status === "FAILED" && node.work.kind === "tool"))
      for (const [unit, count] of unitsOf(node)) attempts.set(unit, count);
    outputOf(node.key);
  }
  const depended = new Set(nodes.flatMap(({ dependsOn }) => dependsOn));
  const last = nodes.filter((node) => isScheduled(node) && node.key.startsWith("n") && !depended.has(node.key));
  const given = last.map(({ key }) => key).filter((key) => statuses.get(key) !== "SKIPPED");
  const [only] = given;
  const several = (): unknown => Object.fromEntries(given.map((key) => [key, standsFor(key)]));
  return { outputs, attempts, output: only === undefined ? null : given.length === 1 ? standsFor(only) : several() };
}

/** Whether a node runs by its dependencies, or for one that failed: undo nodes do not. */
export const isScheduled = ({ key }: { readonly key: string }): boolean => !key.startsWith("u");

function outputOfWork(node: Played, given: unknown): unknown {
  const { work, key } = node;
  switch (work.kind) {
    case "branch":
      return chosenBy(node) ?? null;
    case "transform":
      return { key, given };
    case "approval":
    case "wait":
      return null;
    case "input":
    case "signal":
      return { of: key };
    case "tool":
      return { unit: key, call: work.failures + 1, given };
    case "map":
      return Array.from({ length: work.count }, (_, index) =>
        index === work.bad ? null : { unit: `${key}/${index}`, call: 1, given: index },
      );
    case "loop":
      return work.count === 0 || work.bad === work.count - 1 ? null : { unit: `${key}/${work.count - 1}`, call: 1, given: null };
    default:
      return resultsOf(work.nodes).output;
  }
}

/** How often the tool is asked for each unit of a node that is done. */
function unitsOf({ key, work }: Played): readonly (readonly [string, number])[] {
  if (work.kind === "tool") return [[key, work.failures + 1]];
  if (work.kind === "map" || work.kind === "loop") return Array.from({ length: work.count }, (_, index) => [`${key}/${index}`, 1] as const);
  return [];
}
