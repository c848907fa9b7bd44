import { definePlugin, modelService, runtimes } from "#weftline";
import { versionOf } from "#plugins/openai";
import { createLangChainRuntime } from "./runtime.ts";

/**
 * Agents on LangChain's `createAgent`: any model behind a binding of the models plugin.
 *
 * @example plugins: [models({ bindings: { openai: { apiKey } } }), langchain()]
 */
export const langchain = definePlugin({
  id: "langchain",
  kind: "FRAMEWORK",
  description: "Agents on LangChain's createAgent, with tools and approvals.",
  requires: { models: modelService },
  setup: ({ deps, contribute }) => {
    contribute(runtimes, "langchain", createLangChainRuntime(deps.models, versionOf("langchain")));
    return {};
  },
});
