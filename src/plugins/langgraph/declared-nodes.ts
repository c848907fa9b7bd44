import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { QuestionOutcome } from "#weftline";
import { createChatModel } from "#plugins/langchain";
import { agentGraph } from "./agent-loop.ts";
import { platformQuestion } from "./asking.ts";
import type { NodeDefinition } from "./definition.ts";
import { evaluate, fillAll, fillText, type ExpressionScope } from "./expressions.ts";
import type { GraphTurn } from "./graph-turn.ts";
import { nodeFailed, nodeProblem, problemOf } from "./node-failure.ts";

/** The state as a node is given it: with what was sent to the node, where it was. */
export type NodeState = Readonly<Record<string, unknown>> & { readonly messages?: readonly BaseMessage[] };

type Update = Readonly<Record<string, unknown>>;
type NodeWork = (state: NodeState, config: RunnableConfig) => Promise<Update>;
type Of<Type extends NodeDefinition["type"]> = Extract<NodeDefinition, { type: Type }>;

/** What a node of a declared graph does. */
export function workOf(turn: GraphTurn, name: string, node: Exclude<NodeDefinition, Of<"graph">>): NodeWork {
  const work = plainWork(turn, node);
  return async (state, config) => {
    try {
      return await work(state, config);
    } catch (error) {
      const problem = problemOf(error);
      throw problem === undefined ? error : nodeFailed(name, problem, error);
    }
  };
}

function plainWork(turn: GraphTurn, node: Exclude<NodeDefinition, Of<"graph">>): NodeWork {
  switch (node.type) {
    case "agent":
    case "model":
      return (state, config) => speak(turn, node, state, config);
    case "tool":
      return (state, config) => callTool(turn, node, state, config);
    case "set":
      return (state) => assign(node, scopeOf(turn, state));
    case "interrupt":
      return (state) => ask(turn, node, state);
  }
}

/** What expressions see of the state: its values, the conversation as roles and texts, the run's input, and what was sent. */
export function scopeOf({ request, ctx }: Pick<GraphTurn, "request" | "ctx">, state: NodeState): ExpressionScope {
  const { messages = [], ...values } = state;
  const input = request.input as { readonly text?: string; readonly data?: unknown } | null;
  const said = messages.map(({ type, text }) => ({ role: type, text }));
  const all = { ...values, messages: said, last: said.at(-1)?.text ?? "" };
  return { values: { ...values, state: all, input: input?.data ?? input?.text ?? null }, owner: ctx.owner };
}

async function assign({ values }: Of<"set">, scope: ExpressionScope): Promise<Update> {
  const assigned: [string, unknown][] = [];
  for (const [name, text] of Object.entries(values)) assigned.push([name, await evaluate(text, scope)]);
  return Object.fromEntries(assigned);
}

async function speak(turn: GraphTurn, node: Of<"agent"> | Of<"model">, state: NodeState, config: RunnableConfig): Promise<Update> {
  const { sdk, request, ctx, desk, models } = turn;
  const scope = scopeOf(turn, state);
  const schema = node.type === "model" ? node.schema : undefined;
  const model = await createChatModel(sdk, {
    model: ctx.model,
    tools: [],
    plugin: "langgraph",
    options: request.options,
    outputSchema: schema,
  });
  const instructions =
    node.instructions === undefined
      ? request.instructions
      : [await fillText(node.instructions, scope), request.recalled].filter(Boolean).join("\n\n");
  const loop = agentGraph(sdk, {
    model,
    tools: node.type === "agent" ? toolsOf(turn, node).map((tool) => models.tool(tool)) : [],
    instructions,
    desk,
    names: models.names,
    most: Math.min(request.options.maxSteps, ctx.limits.maxSteps),
  }).compile();
  const messages = [
    ...(node.history === "all" ? (state.messages ?? []) : []),
    ...(node.prompt === undefined ? [] : [new sdk.messages.HumanMessage(await fillText(node.prompt, scope))]),
  ];
  if (messages.length === 0) throw nodeProblem("there is nothing to answer: give it a prompt, or the conversation");
  const said = (await loop.invoke({ messages }, config)).messages.at(-1) as BaseMessage;
  const result = schema === undefined ? said.text : parsed(said.text);
  return { messages: [said], ...(node.output === undefined ? {} : { [node.output]: result }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw nodeProblem("the model's answer is not JSON", error);
  }
}

function toolsOf({ ctx }: GraphTurn, { tools }: Of<"agent">) {
  if (tools === undefined) return ctx.tools;
  return tools.map((wanted) => {
    const found = ctx.tools.find(({ name }) => name === wanted);
    if (!found) throw nodeProblem(`the agent has no tool "${wanted}": add it to its capabilities`);
    return found;
  });
}

async function callTool(turn: GraphTurn, node: Of<"tool">, state: NodeState, config: RunnableConfig): Promise<Update> {
  const place = String((config.configurable as { readonly checkpoint_ns?: unknown } | undefined)?.checkpoint_ns);
  // The task's own id, which it keeps when it begins again.
  const callId = `call_${place.slice(place.lastIndexOf(":") + 1)}`;
  const outcome = await turn.desk.outcome(callId, { name: node.tool, arguments: await fillAll(node.arguments, scopeOf(turn, state)) });
  if (outcome.status !== "SUCCESS" && node.onError === "fail")
    throw nodeProblem(`"${node.tool}" answered ${outcome.status}: ${outcome.error}`);
  const result = outcome.status === "SUCCESS" ? outcome.result : outcome;
  return node.output === undefined ? {} : { [node.output]: result };
}

async function ask(turn: GraphTurn, node: Of<"interrupt">, state: NodeState): Promise<Update> {
  const scope = scopeOf(turn, state);
  const about = node.about === undefined ? undefined : await evaluate(node.about, scope);
  const message = await fillText(node.message, scope);
  const outcome = turn.sdk.graph.interrupt({
    [platformQuestion]: {
      kind: node.kind,
      message,
      allowed: node.allowed ?? (node.kind === "REVIEW" ? ["APPROVE", "EDIT", "REJECT"] : ["ANSWER"]),
      ...(about === undefined ? {} : { arguments: about }),
      ...(node.responseSchema === undefined ? {} : { responseSchema: node.responseSchema }),
      ...(node.expiresInSeconds === undefined ? {} : { expiresInMs: node.expiresInSeconds * 1_000 }),
    },
  }) as QuestionOutcome;
  return node.output === undefined ? {} : { [node.output]: answerOf(outcome, about) };
}

function answerOf(outcome: QuestionOutcome, about: unknown): unknown {
  if (outcome.status !== "RESOLVED") return { status: outcome.status };
  const { kind, payload, reason, by } = outcome.decision;
  return {
    status: outcome.status,
    decision: kind,
    value: kind === "APPROVE" ? (about ?? null) : (payload ?? null),
    reason: reason ?? null,
    by,
  };
}
