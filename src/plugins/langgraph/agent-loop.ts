import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { limitReached, type ToolNames } from "#plugins/openai";
import { toResult } from "#plugins/langchain";
import type { LangGraphSdk } from "./sdk.ts";
import type { ToolDesk } from "./tool-desk.ts";

/** An agent: a model that has tools called until it has nothing more to ask. */
export interface AgentLoop {
  readonly model: BaseChatModel;
  readonly tools: readonly StructuredToolInterface[];
  readonly instructions: string | undefined;
  readonly desk: ToolDesk;
  readonly names: ToolNames;
  /** Most model calls since the last message of the user. */
  readonly most: number;
}

/** The prebuilt graph of an agent, not yet compiled: `model` and `tools` in turn. */
export function agentGraph(sdk: LangGraphSdk, { model, tools, instructions, desk, names, most }: AgentLoop) {
  const { StateGraph, MessagesAnnotation, START, END } = sdk.graph;
  const { SystemMessage } = sdk.messages;
  const speaker = tools.length > 0 && model.bindTools ? model.bindTools([...tools]) : model;
  const before = instructions ? [new SystemMessage(instructions)] : [];

  const ask = async ({ messages }: { messages: BaseMessage[] }, config: RunnableConfig) => {
    const number = callsSoFar(messages) + 1;
    if (number > most) throw limitReached(most);
    const answer = (await speaker.invoke([...before, ...messages], config)) as unknown as AIMessage;
    // Before the tools run: nobody would read what they answer.
    if (callsOf(answer).length > 0 && number >= most) throw limitReached(most);
    return { messages: [answer] };
  };
  const call = async ({ messages }: { messages: BaseMessage[] }) => {
    const results = callsOf(messages.at(-1)).map(async ({ id = "", name, args }) =>
      toResult({ id, name }, await desk.outcome(id, { name: names.fromWire(name), arguments: args }), { sdk }),
    );
    return { messages: await Promise.all(results) };
  };
  return new StateGraph(MessagesAnnotation)
    .addNode("model", ask)
    .addNode("tools", call)
    .addEdge(START, "model")
    .addConditionalEdges("model", ({ messages }) => (callsOf(messages.at(-1)).length > 0 ? "tools" : END), ["tools", END])
    .addEdge("tools", "model");
}

function callsOf(message: BaseMessage | undefined): NonNullable<AIMessage["tool_calls"]> {
  return message?.type === "ai" ? ((message as AIMessage).tool_calls ?? []) : [];
}

function callsSoFar(messages: readonly BaseMessage[]): number {
  const start = messages.findLastIndex(({ type }) => type === "human");
  return messages.slice(start + 1).filter(({ type }) => type === "ai").length;
}
