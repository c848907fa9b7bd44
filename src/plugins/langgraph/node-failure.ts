import { WeftlineError } from "#weftline";
import { versionOf } from "#plugins/openai";

const longest = 500;

/** What went wrong in a node of a graph, in the words of whoever wrote the node, but for what looks like a key. */
export function nodeFailed(node: string, problem: string, cause?: unknown): WeftlineError {
  const safe = problem.replace(/\b(sk|pk|rk)-[\w*.-]{4,}/g, "[secret]").replace(/\b(Bearer|Basic)\s+[\w.~+/=*-]+/gi, "$1 [secret]");
  const short = safe.length > longest ? `${safe.slice(0, longest)}…` : safe;
  return new WeftlineError("NODE_FAILED", { node, problem: short }, cause instanceof Error ? { cause } : {});
}

/** The graph was resumed from a breakpoint and stopped there again without running a node. */
export function stuckAt(next: readonly string[]): WeftlineError {
  const supported = versionOf("@langchain/langgraph");
  return nodeFailed(
    next.join(", "),
    `going on was approved, but the graph stopped again at the same breakpoint without running it. Build the graph on @langchain/langgraph ` +
      `${supported}, compile graphs within it without "checkpointer: false", or ask with interrupt() in the node.`,
  );
}

/** Something that is wrong in a node, said where the node's name is not known. */
export function nodeProblem(problem: string, cause?: unknown): WeftlineError {
  return nodeFailed("", problem, cause);
}

/** The same with the node's name; nothing where it is no {@link nodeProblem}. */
export function problemOf(error: unknown): string | undefined {
  if (!(error instanceof WeftlineError && error.code === "NODE_FAILED" && error.details["node"] === "")) return undefined;
  return String(error.details["problem"]);
}
