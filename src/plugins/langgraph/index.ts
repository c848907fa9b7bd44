import { databaseService, definePlugin, modelService, runtimes } from "#weftline";
import { versionOf } from "#plugins/openai";
import { langgraphConfig } from "./config.ts";
import { graphs } from "./contract.ts";
import { itemEntity } from "./entities.ts";
import { createGraphLibrary } from "./graph-library.ts";
import { migrations } from "./migrations/index.ts";
import { createLangGraphRuntime } from "./runtime.ts";

/**
 * Agents on LangGraph: any model behind a binding of the models plugin.
 *
 * @example plugins: [models({ bindings: { openai: { apiKey } } }), langgraph({ graphs: { review: "./graphs/review.ts:graph" } })]
 */
export const langgraph = definePlugin({
  id: "langgraph",
  kind: "FRAMEWORK",
  description: "Agents on LangGraph: graphs with steps, state, questions to people and time travel.",
  config: langgraphConfig,
  requires: { models: modelService, database: databaseService },
  entities: [itemEntity],
  migrations,
  setup: ({ config, deps, contribute, contributions }) => {
    const library = createGraphLibrary(config, contributions(graphs));
    contribute(runtimes, "langgraph", createLangGraphRuntime({ ...deps, sdkVersion: versionOf("@langchain/langgraph"), library }));
    return {};
  },
});
