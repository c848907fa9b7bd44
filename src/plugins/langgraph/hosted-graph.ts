import { WeftlineError } from "#weftline";
import { createChatModel } from "#plugins/langchain";
import type { GraphParts, GraphSource } from "./contract.ts";
import { unavailable } from "./graph-files.ts";
import type { GraphPlan, GraphTurn, RunnableGraph } from "./graph-turn.ts";

type Compiled = RunnableGraph & { readonly channels?: Readonly<Record<string, unknown>>; readonly checkpointer?: unknown };

/** How a graph that somebody wrote in code is run: as it is, with what the platform lends to it. */
export async function hostedPlan(turn: GraphTurn, name: string, source: GraphSource): Promise<GraphPlan> {
  const parts = await partsOf(turn);
  const graph = await compiledFrom(name, source, parts);
  return {
    graph,
    input: inputOf(turn, name, graph),
    recursionLimit: turn.ctx.limits.maxSteps,
    configurable: { weftline: parts },
  };
}

async function partsOf(turn: GraphTurn): Promise<GraphParts> {
  const { sdk, request, ctx, models } = turn;
  const model = await createChatModel(sdk, {
    model: ctx.model,
    tools: [],
    plugin: "langgraph",
    options: request.options,
    outputSchema: request.outputSchema,
  });
  const tools = ctx.tools.map((tool) => models.tool(tool));
  return {
    model,
    tools,
    instructions: request.instructions,
    tool: (wanted) => tools[ctx.tools.findIndex((tool) => tool.name === wanted)],
  };
}

async function compiledFrom(name: string, source: GraphSource, parts: GraphParts): Promise<Compiled> {
  const made: unknown = typeof source === "function" ? await (source as (parts: GraphParts) => unknown)(parts) : source;
  if (isCompiled(made) && made.checkpointer === false)
    throw unavailable(name, 'it was compiled with "checkpointer: false", so nothing of it would be saved. Compile it without.');
  if (isCompiled(made)) return made;
  if (isBuilder(made)) return made.compile();
  throw unavailable(name, "it is neither a compiled graph nor a builder of one.");
}

function isCompiled(value: unknown): value is Compiled {
  return typeof value === "object" && value !== null && "stream" in value && "getState" in value;
}

function isBuilder(value: unknown): value is { compile(): Compiled } {
  return typeof value === "object" && value !== null && "compile" in value && typeof value.compile === "function";
}

/** The conversation, for a graph with messages, and the run's own input. */
function inputOf({ request, conversation }: GraphTurn, name: string, { channels = {} }: Compiled): Readonly<Record<string, unknown>> {
  const given = request.input as { readonly text?: string; readonly data?: unknown } | null;
  const data = typeof given?.data === "object" && given.data !== null && !Array.isArray(given.data) ? given.data : {};
  const messages = "messages" in channels ? { messages: conversation } : {};
  const text = "input" in channels && given?.text !== undefined ? { input: given.text } : {};
  const input = { ...text, ...messages, ...data };
  if (Object.keys(input).length > 0) return input;
  throw new WeftlineError("INVALID_INPUT", { message: `The graph "${name}" has no messages: give the run an input with its values.` });
}
