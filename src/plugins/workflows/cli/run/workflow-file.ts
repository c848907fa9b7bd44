import { resolve } from "node:path";
import type { CliContext } from "#weftline";
import {
  agentDocument,
  createAgentDocument,
  createWorkflowDocument,
  updateWorkflowDocument,
  validateDocument,
  workflowDocument,
} from "./documents.ts";
import { runExitCodes } from "./exit.ts";
import { readWorkflowFile, type WorkflowFile } from "./read-file.ts";
import { othersThan, shapeProblems, withoutProblems } from "./shape.ts";
import { problemsOf, refusedInput, sayRefused, type InputProblem, type Outcome, type Refused } from "./refused.ts";

/** The name of the workflow of a file. */
export async function nameInFile(ctx: CliContext, file: string): Promise<Outcome<string>> {
  const read = await readWorkflowFile(file);
  return read.problems.length > 0 ? sayLines(ctx, read.problems) : { value: read.name };
}

/**
 * Saves the workflow of a file under its name: a new one, a new version where its content changed, else what there is. Agents that it brings are
 * made where they are missing and never changed.
 *
 * @returns its name.
 */
export async function saveFile(ctx: CliContext, path: string): Promise<Outcome<string>> {
  const file = await readWorkflowFile(path);
  const missing = await missingAgents(ctx, file);
  const names = new Set(missing.map(({ name }) => name));
  const problems = (await problemsIn(ctx, file)).filter(({ path: at }) => !names.has(agentAt(file, at)));
  if (file.problems.length + problems.length > 0) return sayLines(ctx, [...file.problems, ...file.describe(problems)]);
  for (const agent of missing) {
    const exit = await createAgent(ctx, file, agent.input, agent.at);
    if (exit !== undefined) return { exit };
  }
  return save(ctx, path, file);
}

/** What is wrong with what it declares, as the graph sees it. What the graph could not read is told in the same words. */
async function problemsIn({ graph }: CliContext, { workflow }: WorkflowFile): Promise<readonly InputProblem[]> {
  if (!Array.isArray(workflow.nodes)) return shapeProblems(workflow);
  const shape = shapeProblems(workflow);
  const input = withoutProblems(workflow, shape);
  const { validateWorkflow } = await graph
    .request<{ readonly validateWorkflow: readonly InputProblem[] }>(validateDocument, { input })
    .catch((error: unknown) => {
      if (shape.length === 0) throw error;
      // Without its key or its kind no node can be looked at.
      return { validateWorkflow: [] };
    });
  // That it has no name was told when the file was read.
  const told = workflow.name === "" ? [...shape, { path: ["name"], message: "" }] : shape;
  return [...shape, ...othersThan(told, validateWorkflow.map(withoutInput))];
}

interface MissingAgent {
  readonly name: unknown;
  readonly input: object;
  /** Where it stands in the list. */
  readonly at: number;
}

async function missingAgents({ graph }: CliContext, { agents }: WorkflowFile): Promise<readonly MissingAgent[]> {
  const all = agents.map((input, at) => ({ input, at, name: (input as { readonly name?: unknown }).name }));
  const known = await Promise.all(
    all.map(async ({ name }) => {
      if (typeof name !== "string") return false;
      return (await graph.request<{ readonly agent: object | null }>(agentDocument, { name })).agent !== null;
    }),
  );
  return all.filter((_, at) => !known[at]);
}

/** The agent that the file names at a path, so that it is known which problems end when the agent is made. */
function agentAt({ workflow }: WorkflowFile, path: readonly string[]): unknown {
  const at = path.lastIndexOf("agent");
  if (at < 0) return undefined;
  const value = path
    .slice(0, at + 1)
    .reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | null | undefined)?.[key], workflow);
  return typeof value === "string" ? value : (value as { readonly name?: unknown } | null | undefined)?.name;
}

type CreatedAgent = Refused & { readonly agent?: { readonly framework: { readonly mode: string } | null } };

async function createAgent(ctx: CliContext, file: WorkflowFile, input: object, at: number): Promise<number | undefined> {
  const { name, framework } = input as { readonly name?: string; readonly framework?: string };
  const { createAgent: made } = await ctx.graph
    .request<{ readonly createAgent: CreatedAgent }>(createAgentDocument, { input })
    .catch((error: unknown) => ({ createAgent: refusedInput(error) as CreatedAgent }));
  if (made.agent) {
    ctx.say(`Made the agent "${name}" on ${framework}.`);
    return undefined;
  }
  const problems = problemsOf(made).map(withoutInput);
  return sayProblems(
    ctx,
    file,
    problems.map(({ path, message }) => ({ path: ["agents", String(at), ...path], message })),
  ).exit;
}

interface Stored {
  readonly name: string;
  readonly version: number;
  readonly archived: boolean;
  readonly origin: string | null;
}
type Saved = Refused & { readonly workflow?: { readonly version: number } };

async function save(ctx: CliContext, path: string, file: WorkflowFile): Promise<Outcome<string>> {
  const { name, description = null, inputSchema = null, nodes } = file.workflow;
  const { workflow: before } = await ctx.graph.request<{ readonly workflow: Stored | null }>(workflowDocument, { ref: { name } });
  if (before && isOriginOf(path, before)) {
    if (ctx.graph.url !== undefined) ctx.say(`The server read "${name}" from this file at its start: version ${before.version} runs.`);
    return { value: name };
  }
  const saved = before ? await update(ctx, { workflow: { name }, description, inputSchema, nodes }, before) : await create(ctx, file);
  if (!saved.workflow) {
    return saved.__typename === "InvalidInputError" ? sayProblems(ctx, file, problemsOf(saved).map(withoutInput)) : sayRefused(ctx, saved);
  }
  if (saved.workflow.version !== before?.version) ctx.say(`Saved the workflow "${name}", version ${saved.workflow.version}.`);
  return { value: name };
}

/** Whether the host itself has the workflow from this file, in its folder of workflows. */
function isOriginOf(path: string, { origin }: Stored): boolean {
  return origin !== null && resolve(origin) === resolve(path);
}

async function create({ graph }: CliContext, { workflow }: WorkflowFile): Promise<Saved> {
  return (await graph.request<{ readonly createWorkflow: Saved }>(createWorkflowDocument, { input: workflow })).createWorkflow;
}

async function update({ graph }: CliContext, change: object, { archived }: Stored): Promise<Saved> {
  const input = { ...change, ...(archived ? { archived: false } : {}) };
  return (await graph.request<{ readonly updateWorkflow: Saved }>(updateWorkflowDocument, { input })).updateWorkflow;
}

function withoutInput({ path, message }: InputProblem): InputProblem {
  return { path: path[0] === "input" ? path.slice(1) : path, message };
}

/** Says each problem with its file, line and path. */
function sayProblems(ctx: CliContext, file: WorkflowFile, problems: readonly InputProblem[]): { readonly exit: number } {
  return sayLines(ctx, file.describe(problems));
}

function sayLines({ say }: CliContext, lines: readonly string[]): { readonly exit: number } {
  for (const line of lines) say(line);
  return { exit: runExitCodes.usage };
}
