import { appendFileSync } from "node:fs";
import { Annotation, START, StateGraph } from "@langchain/langgraph";

const list = () => Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] });
const State = Annotation.Root({ done: list() });

/** A node that notes each execution, with the process. */
function noting(name: string, ms: number) {
  return async () => {
    appendFileSync(process.env["SLOW_NOTES"] ?? "", `${name} ${process.pid}\n`);
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { done: [name], inside: [name] };
  };
}

const inner = new StateGraph(Annotation.Root({ inside: list() }))
  .addNode("slow", noting("slow", Number(process.env["SLOW_MS"] ?? 600)))
  .addNode("after", noting("after", 0))
  .addEdge(START, "slow")
  .addEdge("slow", "after")
  .compile();

/** Three nodes, of which the second is a graph whose first node takes a while. */
export const graph = new StateGraph(State)
  .addNode("first", noting("first", 0))
  .addNode("within", inner)
  .addNode("last", noting("last", 0))
  .addEdge(START, "first")
  .addEdge("first", "within")
  .addEdge("within", "last");
