import { WeftlineError, type Contribution, type ModelBinding, type Models, type RuntimeStatus, type Simulation } from "#weftline";
import type { ConfiguredBinding } from "./config.ts";
import { simulatedBinding, type ModelBindingSource } from "./contract.ts";

interface Sources {
  readonly configured: ReadonlyMap<string, ConfiguredBinding>;
  readonly contributed: ReadonlyMap<string, Contribution<ModelBindingSource>>;
  /** The name of the default binding. */
  readonly fallback: string;
  /** What the host says: where it forbids, no thread can allow. */
  readonly simulation: Simulation;
}

type Known = ModelBindingSource & { readonly key?: ConfiguredBinding["key"] };

/** Resolves models over the bindings of the configuration and of other plugins. */
export function createModels({ configured, contributed, fallback, simulation }: Sources): Models {
  const find = (id: string): Known | undefined => configured.get(id) ?? contributed.get(id)?.value;
  const all = (): [string, Known][] => [...configured, ...[...contributed].map(([id, { value }]): [string, Known] => [id, value])];

  return {
    resolve(name, asked) {
      const policy = simulation === "forbidden" ? { simulated: simulation } : asked;
      const { id, source, model } = chosen(name, fallback, find);
      if (source.key !== "missing") return checked(bindingOf(id, source, model), policy);
      const stand = find(simulatedBinding);
      if (!stand) throw new WeftlineError("UNAVAILABLE", { what: `The model ${id}/${model}`, ...withoutKey(id) });
      return checked(bindingOf(simulatedBinding, stand, modelOf(simulatedBinding, stand, undefined)), policy);
    },
    list: () => all().flatMap(([id, { models }]) => models.map((model) => `${id}/${model}`)),
    status: () => statusOf(fallback, find, simulation),
  };
}

function chosen(
  name: string | undefined,
  fallback: string,
  find: (id: string) => Known | undefined,
): { id: string; source: Known; model: string } {
  const slash = name?.indexOf("/") ?? -1;
  const named = slash > 0 ? name?.slice(0, slash) : undefined;
  const source = named === undefined ? undefined : find(named);
  if (named !== undefined && source) return { id: named, source, model: modelOf(named, source, name?.slice(slash + 1)) };
  const standing = find(fallback);
  if (named !== undefined && standing && !standing.models.includes(name ?? "") && name !== standing.defaultModel)
    throw invalid(
      `There is no binding "${named}", and "${name}" is not among the models of the default binding "${fallback}". Add models({ bindings: { "${named}": … } }), or name a binding first: "${fallback}/${name}".`,
    );
  if (!standing)
    throw new WeftlineError("UNAVAILABLE", {
      what: "A model",
      reason: `there is no binding "${fallback}".`,
      fix: "Configure models({ bindings: { … } }).",
    });
  return { id: fallback, source: standing, model: modelOf(fallback, standing, name) };
}

/** The model of a binding that a name asks for. */
function modelOf(id: string, { models, otherModels, defaultModel }: Known, name: string | undefined): string {
  const model = name || defaultModel;
  if (model === undefined) throw invalid(`The binding "${id}" has no default model: name one, as in ${id}/model.`);
  if (otherModels === "allowed" || models.includes(model)) return model;
  throw invalid(
    `"${model}" is neither the name of a binding and its model nor a model of the binding "${id}", which has: ${models.join(", ")}.`,
  );
}

function invalid(message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message, path: ["model"], issues: [{ path: ["model"], message }] });
}

function bindingOf(id: string, source: Known, model: string): ModelBinding {
  const { provider, provenance, api, baseURL, apiKey, timeoutMs, files = ["image"] } = source;
  return { id, provider, model, provenance, api, baseURL, apiKey, timeoutMs, files, ...(source.fetch ? { fetch: source.fetch } : {}) };
}

function checked(binding: ModelBinding, policy: { readonly simulated: "allowed" | "forbidden" }): ModelBinding {
  if (binding.provenance === "SIMULATED" && policy.simulated === "forbidden") throw new WeftlineError("SIMULATION_FORBIDDEN");
  return binding;
}

/** The plugin is given keys and reads no variable, so it cannot tell whether one is set. */
function withoutKey(id: string): { readonly reason: string; readonly fix: string } {
  const variable = id === "openai" ? "OPENAI_API_KEY" : undefined;
  const option = `models({ bindings: { ${/-/.test(id) ? `"${id}"` : id}: { apiKey: ${variable ? `process.env.${variable}` : "…"} } } })`;
  return {
    reason: `The binding "${id}" has no API key.`,
    fix: variable
      ? `Set ${variable}, see that plugins.config.ts passes it on, as in ${option}, and restart.`
      : `Set ${option} and restart.`,
  };
}

function statusOf(fallback: string, find: (id: string) => Known | undefined, simulation: Simulation): RuntimeStatus {
  const source = find(fallback);
  const standIn = simulation === "allowed" ? find(simulatedBinding) : undefined;
  const fix = "Configure models({ bindings: { … } }).";
  if (!source) return { mode: "UNAVAILABLE", reason: `There is no binding "${fallback}".`, fix };
  if (source.key === "missing") return { mode: standIn ? "SIMULATED" : "UNAVAILABLE", ...withoutKey(fallback) };
  if (source.provenance === "LIVE") return { mode: "LIVE" };
  return {
    mode: simulation === "allowed" ? "SIMULATED" : "UNAVAILABLE",
    reason: `The default binding "${fallback}" is simulated${simulation === "allowed" ? "" : ", which this host does not allow"}.`,
    fix: "Configure another: models({ default: … }).",
  };
}
