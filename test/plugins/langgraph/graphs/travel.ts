import { tool } from "@langchain/core/tools";
import { AIMessage } from "@langchain/core/messages";
import { Annotation, Command, END, MemorySaver, MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { ToolNode, createReactAgent } from "@langchain/langgraph/prebuilt";
import type { GraphParts } from "#plugins/langgraph";

/** A project as one finds it: nothing here knows of the platform. */
export const visits: string[] = [];

const weather = tool(async ({ city }: { city: string }) => `${city}: sunny`, {
  name: "weather",
  description: "The weather.",
  schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
});

const State = Annotation.Root({
  ...MessagesAnnotation.spec,
  city: Annotation<string>(),
  answers: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** Asks twice in one node, uses a tool of its own, writes to the custom stream, answers with a message that no model said. */
export const graph = new StateGraph(State)
  .addNode("ask", () => {
    visits.push("ask");
    const city = interrupt<object, string>({ question: "Where to?", places: ["Rome", "Oslo"] });
    const days = interrupt<string, number>(`How long in ${city}?`);
    return { city, answers: [`${days} days`] };
  })
  .addNode(
    "look",
    async ({ city }, config) => {
      config.writer?.({ looking: city });
      const calls = new AIMessage({ content: "", tool_calls: [{ id: "w1", name: "weather", args: { city } }] });
      const { messages } = (await new ToolNode([weather]).invoke({ messages: [calls] }, config)) as { messages: { text: string }[] };
      return new Command({ goto: "tell", update: { answers: [messages[0]?.text ?? ""] } });
    },
    { ends: ["tell"] },
  )
  .addNode("tell", ({ answers }) => ({ messages: [new AIMessage(answers.join(", "))] }))
  .addEdge(START, "ask")
  .addEdge("ask", "look")
  .addEdge("tell", END)
  .compile({ checkpointer: new MemorySaver() });

/** Two people are asked at once. Not compiled. */
export const builder = new StateGraph(
  Annotation.Root({ answers: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }), topic: Annotation<string>() }),
)
  .addNode("left", ({ topic }) => ({ answers: [`left ${interrupt<string, string>(`Left of ${topic}?`)}`] }))
  .addNode("right", ({ topic }) => ({ answers: [`right ${interrupt<string, string>(`Right of ${topic}?`)}`] }))
  .addEdge(START, "left")
  .addEdge(START, "right");

/** The platform's model and tools, in LangGraph's prebuilt agent. */
export const agent = ({ model, tools, instructions }: GraphParts) =>
  createReactAgent({ llm: model, tools: [...tools], ...(instructions === undefined ? {} : { prompt: instructions }) });

export const nothing = 42;

export const failing = new StateGraph(MessagesAnnotation)
  .addNode("break", () => {
    throw new TypeError("The key sk-abcdefghijklmnop is not one.");
  })
  .addEdge(START, "break");

/** Compiled to stop before a node. */
export const careful = new StateGraph(Annotation.Root({ a: Annotation<number>(), b: Annotation<number>() }))
  .addNode("one", () => ({ a: 1 }))
  .addNode("two", () => ({ b: 2 }))
  .addEdge(START, "one")
  .addEdge("one", "two")
  .compile({ interruptBefore: ["two"] });

/** Remembers in the store what it was told, from run to run. */
export const remembering = new StateGraph(Annotation.Root({ fact: Annotation<string>(), known: Annotation<string[]>() }))
  .addNode("note", async ({ fact }, { store }) => {
    await store?.put(["facts", "all"], fact, { text: fact, length: fact.length });
    const items = (await store?.search(["facts"], { filter: { length: { $gte: 3 } } })) ?? [];
    return { known: items.map(({ value }) => value["text"] as string).toSorted() };
  })
  .addNode("drop", async (_, { store }) => {
    await store?.delete(["facts", "all"], "no");
    return {};
  })
  .addEdge(START, "note")
  .addEdge("note", "drop");
