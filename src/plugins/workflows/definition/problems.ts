import { valueTypeOf } from "./cel-types.ts";
import { ExpressionChecks } from "./checks/expressions.ts";
import { expressionCount, maxExpressions } from "./checks/expression-count.ts";
import { dependencyProblems, WorkflowGraph } from "./checks/graph.ts";
import { NodeChecks } from "./checks/nodes.ts";
import { roleProblems } from "./checks/roles.ts";
import { Targets } from "./checks/targets.ts";
import type { Problem } from "./fields.ts";
import { readDefinition, type ReadDefinition } from "./read.ts";
import type { Surroundings } from "./surroundings.ts";
import type { WorkflowDefinition } from "./types.ts";

/** How many problems are told; more than that nobody reads. */
const maxProblems = 1_000;

/**
 * What is wrong with a definition whose shape is right: cycles, unknown names, expressions that cannot be evaluated, settings that do not fit. All of
 * it, each with its path.
 *
 * @param path where the definition stands in the input.
 */
export async function definitionProblems(
  definition: WorkflowDefinition,
  surroundings: Surroundings,
  path: readonly string[],
): Promise<Problem[]> {
  const { inputSchema } = definition;
  const schemaProblem = inputSchema && (await surroundings.schemaProblem(inputSchema));
  const graph = new WorkflowGraph(definition);
  const input = inputSchema && schemaProblem === undefined ? valueTypeOf(inputSchema) : "dyn";
  const checks = new NodeChecks(
    graph,
    surroundings,
    new ExpressionChecks(graph, { input, ...(surroundings.memory === undefined ? {} : { memory: surroundings.memory }) }),
    new Targets(surroundings),
  );
  // More than can be checked in time are counted alone.
  if (expressionCount(graph.nodes, surroundings.kinds) > maxExpressions)
    checks.problems.push({ path, message: `A workflow has at most ${maxExpressions} expressions.` });
  else
    for (const node of [...graph.order, ...graph.cyclic]) await checks.check(node, [...path, "nodes", String(graph.nodes.indexOf(node))]);
  return [
    ...(schemaProblem === undefined ? [] : [{ path: [...path, "inputSchema"], message: `This is not a JSON Schema: ${schemaProblem}.` }]),
    ...dependencyProblems(graph, path),
    ...roleProblems(graph, path),
    ...checks.problems,
  ];
}

/**
 * Reads a definition and checks it: see {@link readDefinition} and {@link definitionProblems}. It can be used where there are no problems.
 */
export async function checkDefinition(input: unknown, surroundings: Surroundings, path: readonly string[]): Promise<ReadDefinition> {
  const { definition, problems } = readDefinition(input, path);
  const all = definition ? [...problems, ...(await definitionProblems(definition, surroundings, path))] : problems;
  const left = all.length - maxProblems;
  const told = left > 0 ? [...all.slice(0, maxProblems), { path, message: `There are ${left} more problems.` }] : all;
  return { ...(definition && { definition }), problems: told };
}
