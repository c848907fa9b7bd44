import { z } from "zod";
import type { ModelBindingSource } from "./contract.ts";

const openaiURL = "https://api.openai.com/v1";
const openaiModels = ["gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5-mini", "gpt-4.1", "gpt-4.1-mini"];
const openaiDefault = "gpt-5.4-mini";

const binding = z.strictObject({
  /** An empty one counts as none: that is what an unset variable often becomes. */
  apiKey: z.string().optional(),
  baseURL: z.url({ protocol: /^https?$/ }).optional(),
  api: z.enum(["responses", "chat"]).optional(),
  models: z.array(z.string().min(1)).min(1).optional(),
  defaultModel: z.string().min(1).optional(),
  files: z.array(z.enum(["image", "pdf"])).optional(),
  timeoutMs: z.int().min(1).max(3_600_000).default(300_000),
});

/** The options of the models plugin. */
export const modelsConfig = z
  .strictObject({
    bindings: z
      .record(z.string(), binding)
      .refine(
        (bindings) => Object.keys(bindings).every((name) => /^[a-z][a-z0-9-]*$/.test(name)),
        "a binding's name has lower-case letters, digits and dashes",
      )
      .default({ openai: binding.parse({}) }),
    /** The binding of agents whose model names none; `openai`, or else the first by default. */
    default: z.string().optional(),
  })
  .refine(
    ({ bindings }) =>
      Object.values(bindings).every(({ models, defaultModel }) => !models || !defaultModel || models.includes(defaultModel)),
    {
      path: ["bindings"],
      message: "a defaultModel has to stand among the models of its binding",
    },
  );

export type ModelsConfig = z.output<typeof modelsConfig>;

/** A configured binding; without a key where one is needed it cannot answer. */
export type ConfiguredBinding = ModelBindingSource & { readonly key: "present" | "unneeded" | "missing" };

/** Whether this is OpenAI itself, as opposed to a server that speaks its protocol. */
function isOpenAI(baseURL: string): boolean {
  return /(^|\.)openai\.com$/.test(new URL(baseURL).hostname);
}

/**
 * The binding that a configuration describes.
 *
 * Other servers than OpenAI's may need no key, so a binding to one is taken to be complete without; only the binding `openai` always wants one,
 * so that an unset OPENAI_API_KEY means the same everywhere.
 */
export function configuredBinding(id: string, config: ModelsConfig["bindings"][string]): ConfiguredBinding {
  const { apiKey, baseURL = openaiURL, api, models, timeoutMs } = config;
  const genuine = isOpenAI(baseURL);
  const key = apiKey ? "present" : genuine || id === "openai" ? "missing" : "unneeded";
  const defaultModel = config.defaultModel ?? models?.[0] ?? (genuine || id === "openai" ? openaiDefault : undefined);
  return {
    provider: genuine ? "openai" : id,
    provenance: "LIVE",
    api: api ?? (genuine ? "responses" : "chat"),
    baseURL,
    apiKey: () => apiKey || "none",
    timeoutMs,
    files: config.files ?? (genuine ? ["image", "pdf"] : ["image"]),
    models: models ?? [...new Set([...(defaultModel === undefined ? [] : [defaultModel]), ...(genuine ? openaiModels : [])])],
    otherModels: models ? "refused" : "allowed",
    ...(defaultModel === undefined ? {} : { defaultModel }),
    key,
  };
}
