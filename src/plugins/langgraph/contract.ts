import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { extensionPoint, type MaybePromise } from "#weftline";

/** What a graph may be made with: everything belongs to the run for which it is made. */
export interface GraphParts {
  /** The agent's model, over its binding. */
  readonly model: BaseChatModel;
  /** The agent's tools: what they do goes through the platform, approvals too. */
  readonly tools: readonly StructuredToolInterface[];
  readonly instructions: string | undefined;
  /** The agent's tools by their names in Weftline. */
  tool(name: string): StructuredToolInterface | undefined;
}

/**
 * A LangGraph graph: compiled, a builder that is yet to be compiled, or a function that makes either for a run. A checkpointer and a store of its
 * own are replaced by the platform's.
 */
export type GraphSource = object | ((parts: GraphParts) => MaybePromise<object>);

/** Where plugins put {@link GraphSource}s, by the name that agents use: `options: { graph: "name" }`. */
export const graphs = extensionPoint<GraphSource>("langgraph.graphs");
