import { readDefinition } from "../../definition/read.ts";
import type { InputProblem } from "./refused.ts";

type Members = Record<string, unknown>;

/**
 * What the graph could not even take, as fields that are misspelled: the words for those are for programs.
 *
 * @param workflow `CreateWorkflowInput`, as far as it was written.
 */
export function shapeProblems({ description, inputSchema, nodes }: Readonly<Members>): readonly InputProblem[] {
  const isText = description == null || typeof description === "string";
  return [
    ...(isText ? [] : [{ path: ["description"], message: "A description is text." }]),
    ...(Array.isArray(nodes) ? readDefinition({ inputSchema, nodes }, []).problems : []),
  ];
}

/** A workflow without the members that have problems, so that the graph can look at the rest. */
export function withoutProblems(workflow: object, problems: readonly InputProblem[]): object {
  const copy = structuredClone(workflow);
  for (const { path: place } of problems) {
    // A retry policy without its attempts is none.
    const path = place[2] === "retry" ? place.slice(0, 3) : place;
    const holder = path.slice(0, -1).reduce<unknown>((inner, key) => (inner as Members | null | undefined)?.[key], copy);
    // An item of a list stays: the places of those behind it would be others.
    if (typeof holder === "object" && holder !== null && !Array.isArray(holder)) delete (holder as Members)[path.at(-1) ?? ""];
  }
  return copy;
}

/** Those of `found` that are not told by `told` already. */
export function othersThan(told: readonly InputProblem[], found: readonly InputProblem[]): readonly InputProblem[] {
  return found.filter(({ path }) => !told.some(({ path: known }) => known.every((key, at) => key === path[at])));
}
