import { writeFileSync } from "node:fs";
import * as callbacks from "@langchain/core/callbacks/base";
import { AIMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { Annotation, Command, MemorySaver, START, Send, StateGraph, interrupt } from "@langchain/langgraph";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import { graphHandler } from "../../../../src/plugins/langgraph/callbacks.ts";
import type { GraphCallback, GraphEvents } from "../../../../src/plugins/langgraph/events.ts";

/** `node test/plugins/langgraph/recordings/record.ts` writes anew what LangGraph calls back of the turns of a graph. */
const weather = tool(async ({ city }: { city: string }) => `${city}: sunny`, {
  name: "weather",
  description: "The weather.",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
});

const State = Annotation.Root({ found: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }) });

const inner = new StateGraph(State)
  .addNode("ask", () => ({ found: [interrupt<string, string>("Where?")] }))
  .addNode("look", async ({ found }, config) => {
    const calls = new AIMessage({ content: "", tool_calls: [{ id: "w1", name: "weather", args: { city: found.at(-1) } }] });
    await new ToolNode([weather]).invoke({ messages: [calls] }, config);
    return { found: ["looked"] };
  })
  .addEdge(START, "ask")
  .addEdge("ask", "look")
  .compile();

const graph = new StateGraph(State)
  .addNode("split", () => ({}))
  .addNode("each", ({ item }: { item: string }) => ({ found: [item] }))
  .addNode("within", inner)
  .addNode("break", () => {
    throw new TypeError("It broke.");
  })
  .addEdge(START, "split")
  .addConditionalEdges("split", () => ["a", "b"].map((item) => new Send("each", { item })), ["each"])
  .addEdge("each", "within")
  .addEdge("within", "break")
  .compile({ checkpointer: new MemorySaver() });

async function record(input: unknown): Promise<GraphCallback[]> {
  const heard: GraphCallback[] = [];
  const note = (callback: GraphCallback): undefined => void heard.push(callback);
  const handler = graphHandler({ callbacks }, { read: note } as unknown as GraphEvents, undefined as never);
  await graph.invoke(input as never, { configurable: { thread_id: "t" }, callbacks: [handler] }).catch(() => undefined);
  return heard.map((callback) => {
    if (callback.on !== "error") return callback;
    const { name, message, is_bubble_up } = callback.error as Error & { readonly is_bubble_up?: boolean };
    return { ...callback, error: { name, message, ...(is_bubble_up === undefined ? {} : { is_bubble_up }) } };
  });
}

const turns = [await record({ found: [] }), await record(new Command({ resume: "Rome" }))];
writeFileSync(new URL("./callbacks.json", import.meta.url), `${JSON.stringify(turns, null, 1)}\n`);
