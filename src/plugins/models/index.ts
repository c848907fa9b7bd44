import { WeftlineError, contribution, definePlugin, doctorChecks, modelService, optional, simulationPolicy } from "#weftline";
import { healthSources, type HealthCheck } from "#plugins/health";
import { configuredBinding, modelsConfig, type ModelsConfig } from "./config.ts";
import { modelBindings } from "./contract.ts";
import { checkBindings } from "./doctor.ts";
import { bindingCheck } from "./reachability.ts";
import { createModels } from "./service.ts";

/**
 * The models that agents name: OpenAI and whatever speaks its protocol.
 *
 * @example
 * const ollama = { baseURL: "http://127.0.0.1:11434/v1", defaultModel: "llama3.3" };
 * models({ bindings: { openai: { apiKey: process.env["OPENAI_API_KEY"] }, ollama } });
 */
export const models = definePlugin({
  id: "models",
  description: "Named bindings to models, OpenAI-compatible.",
  config: modelsConfig,
  contributes: [contribution(doctorChecks, "models", checkBindings)],
  requires: { simulation: optional(simulationPolicy) },
  provides: { models: modelService },
  setup: ({ config, deps, contribute, contributions, onReady }) => {
    const configured = new Map(Object.entries(config.bindings).map(([id, binding]) => [id, configuredBinding(id, binding)]));
    const contributed = contributions(modelBindings);
    const fallback = defaultOf(config);
    const simulation = deps.simulation ?? "allowed";
    const checks = new Map<string, HealthCheck>();
    contribute(healthSources, "models", () => checks);
    onReady(() => {
      for (const [id, source] of configured) checks.set(`models.${id}`, bindingCheck(source, source.key, simulation));
      for (const [id, { value }] of contributed) checks.set(`models.${id}`, bindingCheck(value, "unneeded", simulation));
      const double = [...configured.keys()].find((id) => contributed.has(id));
      if (double !== undefined)
        throw misconfigured(`bindings.${double}: the plugin "${contributed.get(double)?.plugin}" brings a binding of that name`);
      if (!configured.has(fallback) && !contributed.has(fallback)) throw misconfigured(`default: there is no binding "${fallback}"`);
    });
    return { models: createModels({ configured, contributed, fallback, simulation }) };
  },
});

function defaultOf(config: ModelsConfig): string {
  const ids = Object.keys(config.bindings);
  return config.default ?? (ids.includes("openai") ? "openai" : (ids[0] ?? "simulated"));
}

function misconfigured(problems: string): WeftlineError {
  return new WeftlineError("PLUGIN_CONFIG_INVALID", { plugin: "models", problems });
}
