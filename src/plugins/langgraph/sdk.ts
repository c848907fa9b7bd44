import type * as JsonPatch from "@langchain/core/utils/json_patch";
import type * as LangGraph from "@langchain/langgraph";
import type * as Checkpointing from "@langchain/langgraph-checkpoint";
import { createLangChainLoader, unavailable, type LangChainSdk } from "#plugins/langchain";

/** LangGraph and what of LangChain stands behind it, loaded. */
export interface LangGraphSdk extends LangChainSdk {
  readonly graph: typeof LangGraph;
  readonly checkpointing: typeof Checkpointing;
  readonly jsonPatch: typeof JsonPatch;
}

/**
 * Loads LangGraph at the first call and once.
 *
 * @throws UNAVAILABLE where it cannot be loaded.
 */
export function createLangGraphLoader(): () => Promise<LangGraphSdk> {
  const loadLangChain = createLangChainLoader();
  let loading: Promise<LangGraphSdk> | undefined;
  return () =>
    (loading ??= load(loadLangChain).catch((error: unknown) => {
      loading = undefined;
      throw unavailable(error);
    }));
}

/** First LangChain's loader, which takes its switches out of the environment: some are read as LangGraph loads. */
async function load(loadLangChain: () => Promise<LangChainSdk>): Promise<LangGraphSdk> {
  const langchain = await loadLangChain();
  const [graph, checkpointing, jsonPatch] = await Promise.all([
    import("@langchain/langgraph"),
    import("@langchain/langgraph-checkpoint"),
    import("@langchain/core/utils/json_patch"),
  ]);
  return { ...langchain, graph, checkpointing, jsonPatch };
}
