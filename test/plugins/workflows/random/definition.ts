import { chosenBy } from "../state/reference.ts";
import { targetsOf } from "../../../../src/plugins/workflows/state/plan.ts";
import type { NodeInput } from "../runs/loom.ts";
import { givenBy, type Played, type Work } from "./works.ts";

/** The input of a run of such a graph. */
export const inputOf = (id: string): object => ({ id, yes: true, no: false });

/**
 * A graph as `createWorkflow` takes it.
 *
 * @param nameOf the workflow of the graph below a node.
 */
export function definitionOf(nodes: readonly Played[], nameOf: (node: string) => string): readonly NodeInput[] {
  return nodes.map((node) => {
    const { key, dependsOn, join, joinCount, onError, errorNode, undo, skips, work } = node;
    return {
      key,
      dependsOn,
      join,
      joinCount,
      onError,
      errorNode,
      undo,
      ...(skips ? { when: "input.no" } : {}),
      ...retryOf(work),
      ...settingsOf(nodes, node, nameOf),
    };
  });
}

function retryOf(work: Work): object {
  if (work.kind !== "tool" || work.failures === 0) return {};
  return { retry: { attempts: work.failures + 1, delay: "PT0.001S", jitter: false } };
}

const act = (unit: string, fails: string | number, given: unknown = null): object => ({
  id: "{{ input.id }}",
  unit,
  fails,
  given,
});

function settingsOf(
  nodes: readonly Played[],
  node: Played,
  nameOf: (node: string) => string,
): { readonly kind: string; readonly config: object } {
  const { key, work, fails } = node;
  const from = givenBy(nodes, node);
  switch (work.kind) {
    case "branch":
      return { kind: "branch", config: branchOf(node) };
    case "transform": {
      const given = from === undefined ? "null" : `nodes.${from}.output`;
      return { kind: "transform", config: { expression: fails ? "input.missing.deep" : `{"key": "${key}", "given": ${given}}` } };
    }
    case "approval":
      return { kind: "approval", config: { message: fails ? "REJECT" : "APPROVE" } };
    case "input":
      return { kind: "input", config: { message: key } };
    case "wait":
      return { kind: "wait", config: { duration: "PT0.003S" } };
    case "signal":
      return { kind: "wait", config: { signal: key } };
    case "tool": {
      const given = from === undefined ? null : `{{ nodes.${from}.output }}`;
      return { kind: "tool", config: { tool: work.tool, arguments: act(key, fails ? 99 : work.failures, given) } };
    }
    case "map": {
      const over = `[${Array.from({ length: work.count }, (_, index) => index).join(", ")}]`;
      return { kind: "map", config: { over, concurrency: 2, node: innerOf(key, work, "{{ item }}") } };
    }
    case "loop":
      return { kind: "loop", config: { while: `index < ${work.count}`, max: work.count + 1, node: innerOf(key, work, null) } };
    default:
      return {
        kind: "workflow",
        config: { workflow: { name: nameOf(key) }, input: { id: `{{ input.id }}.${key}`, yes: true, no: false } },
      };
  }
}

function innerOf(key: string, { bad, onError }: Extract<Work, { kind: "map" | "loop" }>, given: unknown): object {
  const fails = bad === undefined ? 0 : `{{ index == ${bad} ? 99 : 0 }}`;
  return { kind: "tool", onError, config: { tool: "graph.act", arguments: act(`${key}/{{ index }}`, fails, given) } };
}

function branchOf(node: Played): object {
  const targets = targetsOf(node);
  const chosen = chosenBy(node);
  const whenOf = (to: string): string => (to === chosen ? "input.yes" : "input.no");
  const hasElse = "else" in node.config;
  const cases = (hasElse ? targets.slice(0, -1) : targets).map((to) => ({ when: whenOf(to), to }));
  return { cases, ...(hasElse ? { else: targets.at(-1) } : {}) };
}
