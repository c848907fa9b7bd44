import { WeftlineError, hashOf } from "#weftline";
import { isObject } from "../definition/fields.ts";
import { outputSchemaOf } from "../definition/output-schema.ts";
import { readDefinition } from "../definition/read.ts";
import type { NamedTarget } from "../definition/surroundings.ts";
import type { WorkflowDefinition } from "../definition/types.ts";
import { checkInput } from "../service/check.ts";
import { tidyName } from "../service/find.ts";
import type { WorkflowsHost } from "../service/host.ts";
import type { DefinitionInput } from "../service/input.ts";
import { descriptionProblems, nameProblems, type Problem } from "../service/problems.ts";
import { surroundingsOf, type Beside } from "../service/surroundings.ts";
import type { SourceProblem, Sources, WorkflowSource } from "./sources.ts";

/** A workflow of a file or a plugin, checked. */
export interface ProvidedWorkflow {
  readonly name: string;
  readonly description: string | null;
  readonly definition: WorkflowDefinition;
  readonly contentHash: string;
  readonly origin: string;
}

/** What came of checking sources. */
export interface CheckedSources {
  readonly workflows: readonly ProvidedWorkflow[];
  readonly problems: readonly SourceProblem[];
}

/**
 * Checks workflows of files and plugins: all problems of all of them.
 *
 * @param unready see {@link Beside}.
 */
export async function checkSources(host: WorkflowsHost, sources: Sources, unready: "awaited" | "trusted"): Promise<CheckedSources> {
  const others = new Map((await Promise.all(sources.found.map((source) => targetsIn(host, source, unready)))).flat());
  const workflows: ProvidedWorkflow[] = [];
  const problems: SourceProblem[] = [...sources.problems];
  const origins = new Map<string, string>();
  for (const source of sources.found) {
    const { workflow, problems: found } = await checkSource(host, { others, unready }, source);
    const name = nameOf(source.content);
    const other = name === undefined ? undefined : origins.get(name);
    if (name !== undefined && other === undefined) origins.set(name, source.origin);
    const twice = other === undefined ? [] : [{ path: ["name"], message: `The name "${name}" is already used by ${other}.` }];
    problems.push(...[...found, ...twice].map((problem) => located(source, problem)));
    if (workflow) workflows.push(workflow);
  }
  return { workflows, problems };
}

function located({ origin, lineOf }: WorkflowSource, problem: Problem): SourceProblem {
  return { ...problem, origin, ...(lineOf ? { line: lineOf(problem.path) } : {}) };
}

async function checkSource(
  host: WorkflowsHost,
  beside: Beside,
  { origin, content }: WorkflowSource,
): Promise<{ readonly workflow?: ProvidedWorkflow; readonly problems: readonly Problem[] }> {
  const { name, description, inputSchema, nodes, agents = [], ...unknown } = content;
  const words = [
    ...(typeof name === "string" || name == null ? nameProblems(name, ["name"]) : [{ path: ["name"], message: "A name is text." }]),
    ...(typeof description === "string" || description == null
      ? descriptionProblems(description, ["description"])
      : [{ path: ["description"], message: "A description is text." }]),
    // `weftline run` makes them; whoever only reads the workflow leaves them alone.
    ...(Array.isArray(agents) && agents.every(isObject) ? [] : [{ path: ["agents"], message: "Agents are a list of objects." }]),
    ...Object.keys(unknown).map((key) => ({ path: [key], message: `A workflow has no "${key}".` })),
  ];
  const { definition, problems } = await checkInput(host, beside, { inputSchema, nodes } as DefinitionInput, []);
  const all = [...words, ...problems];
  if (all.length > 0 || !definition) return { problems: all };
  const workflow = {
    name: tidyName(String(name)),
    description: typeof description === "string" ? description : null,
    definition,
    contentHash: hashOf(definition),
    origin,
  };
  return { workflow, problems: [] };
}

/** A source as the others may start it. What it gives is known as far as it names no other. */
async function targetsIn(
  host: WorkflowsHost,
  { content, outputSchema }: WorkflowSource,
  unready: "awaited" | "trusted",
): Promise<[string, NamedTarget][]> {
  const name = nameOf(content);
  if (name === undefined) return [];
  const { inputSchema, nodes } = content;
  const { definition } = readDefinition({ inputSchema, nodes }, []);
  const alone = surroundingsOf(host, { others: new Map(), unready });
  const given = outputSchema ?? (definition && (await outputSchemaOf(definition, alone)));
  return [[name, { ...(isObject(inputSchema) ? { inputSchema } : {}), ...(given ? { outputSchema: given } : {}) }]];
}

function nameOf({ name }: WorkflowSource["content"]): string | undefined {
  return typeof name === "string" ? tidyName(name) : undefined;
}

/** @throws WORKFLOWS_INVALID with all problems of all files and plugins. */
export function refuseSources(problems: readonly SourceProblem[]): void {
  if (problems.length === 0) return;
  const list = problems.map((problem) => `\n      ${describeProblem(problem)}`).join("");
  throw new WeftlineError("WORKFLOWS_INVALID", { problems: list, plugin: "workflows" });
}

/** A problem as one line: the place, then what is wrong. */
export function describeProblem({ origin, line, path, message }: SourceProblem): string {
  const place = line === undefined ? origin : `${origin}:${line}`;
  return path.length === 0 ? `${place}: ${message}` : `${place}: ${path.join(".")}: ${message}`;
}
