import type { RunnableConfig } from "@langchain/core/runnables";
import type { LangChainSdk } from "./sdk.ts";

/**
 * The config of a model call with its callbacks in a manager of our own LangChain: a graph that was built on an older one hands over its own, which
 * does not know of all that our models tell.
 */
export function withOwnCallbacks({ managers }: Pick<LangChainSdk, "managers">, config: RunnableConfig): RunnableConfig {
  const given = config.callbacks;
  const isOwn = (manager: object): boolean => manager instanceof managers.CallbackManager;
  if (given === undefined || Array.isArray(given) || isOwn(given)) return config;
  const { handlers, inheritableHandlers, tags, inheritableTags, metadata, inheritableMetadata } = given;
  const callbacks = new managers.CallbackManager(given.getParentRunId(), {
    handlers,
    inheritableHandlers,
    tags,
    inheritableTags,
    metadata,
    inheritableMetadata,
  });
  return { ...config, callbacks };
}
