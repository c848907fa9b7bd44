import { definePlugin } from "#weftline";
import { modelBindings, simulatedBinding } from "#plugins/models";
import { simulatedConfig } from "./config.ts";
import { createSimulatedFetch } from "./wire/fetch.ts";

/**
 * A model that needs no key and no network. It stands in where a binding has no key; whatever it answers is marked SIMULATED.
 *
 * @example plugins: [models(), simulated({ tokensPerSecond: 0 })]
 */
export const simulated = definePlugin({
  id: "simulated",
  description: "A deterministic model behind OpenAI's wire protocol, for work without a key.",
  config: simulatedConfig,
  setup: ({ config, contribute }) => {
    contribute(modelBindings, simulatedBinding, {
      provider: simulatedBinding,
      provenance: "SIMULATED",
      api: "responses",
      baseURL: "http://simulated.invalid/v1",
      apiKey: () => "simulated",
      fetch: createSimulatedFetch(config),
      timeoutMs: 600_000,
      files: ["image", "pdf"],
      models: config.models,
      otherModels: "allowed",
      ...(config.models[0] === undefined ? {} : { defaultModel: config.models[0] }),
    });
    return {};
  },
});
