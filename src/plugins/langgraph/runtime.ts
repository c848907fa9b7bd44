import type { AgentRuntime, Database, Models, RunContext, RunEventBody, RunRequest } from "#weftline";
import { isAnswered, loadFiles, nothingToAnswer, settled, standingOn } from "#plugins/openai";
import { agentGraph } from "./agent-loop.ts";
import { compileDefinition, inputOf } from "./declared-graph.ts";
import type { GraphDefinition } from "./definition.ts";
import { unavailable } from "./graph-files.ts";
import type { GraphLibrary, NamedGraph } from "./graph-library.ts";
import { GraphTurn, type GraphPlan, type RunnableGraph } from "./graph-turn.ts";
import { hostedPlan } from "./hosted-graph.ts";
import { langgraphOptionsFor, langgraphOptionsSchema, type LangGraphOptions } from "./options.ts";
import { runRemote } from "./remote.ts";
import { createLangGraphLoader, type LangGraphSdk } from "./sdk.ts";

const installFix = "Run: npm install @langchain/langgraph @langchain/langgraph-checkpoint langchain @langchain/core @langchain/openai";

/** What the framework needs of its host. */
export interface LangGraphHost {
  /** Says which models there are and how they stand. */
  readonly models: Pick<Models, "list" | "status">;
  readonly database: Database;
  /** The graphs that agents can name. */
  readonly library: GraphLibrary;
  /** Of the installed package, which is loaded at the first turn only; nothing where there is none. */
  readonly sdkVersion: string | undefined;
}

/** LangGraph as a framework. */
export function createLangGraphRuntime(host: LangGraphHost): AgentRuntime<LangGraphOptions> {
  const { models, library, sdkVersion } = host;
  const load = createLangGraphLoader();
  return {
    id: "langgraph",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: true,
      steps: true,
      state: true,
      structuredOutput: true,
      usage: true,
      files: true,
    },
    options: langgraphOptionsFor(library),
    optionsSchema: langgraphOptionsSchema,
    answersElsewhere: ({ graph }) => typeof graph === "string" && library.find(graph)?.kind === "remote",
    ...standingOn({ name: "@langchain/langgraph", version: sdkVersion, fix: installFix }, models),
    stream: (request, ctx) => converse(load, host, request, ctx),
  };
}

async function* converse(
  load: () => Promise<LangGraphSdk>,
  { library, database }: LangGraphHost,
  request: RunRequest<LangGraphOptions>,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const { graph } = request.options;
  const named = typeof graph === "string" ? library.find(graph) : undefined;
  if (named?.kind === "remote") {
    yield* runRemote(await load(), named, request, ctx);
    return;
  }
  const messages = await conversationOf(request, ctx);
  if (messages === "answered") return;
  const [sdk, files] = await Promise.all([load(), loadFiles(messages, ctx.model)]);
  const turn = new GraphTurn({ sdk, request: { ...request, messages }, ctx, database, files, calls: named ? "asMade" : "asWritten" });
  yield* turn.run(await planOf(turn, named));
}

async function planOf(turn: GraphTurn, named: NamedGraph | undefined): Promise<GraphPlan> {
  const { graph } = turn.request.options;
  if (graph === undefined) return prebuilt(turn);
  if (typeof graph !== "string") return declared(turn, graph);
  if (named?.kind === "local") return hostedPlan(turn, graph, await named.load());
  throw unavailable(graph, "the host no longer provides it.");
}

function declared(turn: GraphTurn, definition: GraphDefinition): GraphPlan {
  return {
    graph: compileDefinition(turn, definition),
    input: inputOf(turn, definition),
    recursionLimit: turn.ctx.limits.maxSteps,
  };
}

/** What an agent without a graph of its own is: a model that has its tools called. */
async function prebuilt(turn: GraphTurn): Promise<GraphPlan> {
  const { sdk, request, ctx, models, desk, conversation } = turn;
  const most = Math.min(request.options.maxSteps, ctx.limits.maxSteps);
  const loop = {
    model: await models.model(),
    tools: ctx.tools.map((tool) => models.tool(tool)),
    instructions: request.instructions,
    desk,
    names: models.names,
    most,
  };
  return {
    graph: agentGraph(sdk, loop).compile() as unknown as RunnableGraph,
    input: { messages: conversation },
    // Two supersteps a model call; the limit that counts is that of the calls.
    recursionLimit: 2 * most + 10,
  };
}

/** The conversation, with what is still open of it settled where the graph has not begun: then nobody else would. */
async function conversationOf(request: RunRequest, ctx: RunContext): Promise<RunRequest["messages"] | "answered"> {
  if (request.messages.length === 0) throw nothingToAnswer();
  if (await ctx.checkpoints.get({})) return request.messages;
  const conversation = [...request.messages];
  const done = await settled(conversation, ctx);
  if (done) conversation[done.index] = done.message;
  return isAnswered(conversation, ctx.runId) ? "answered" : conversation;
}
