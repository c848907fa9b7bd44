import { createRequire } from "node:module";
import { definePlugin, modelService, runtimes } from "#weftline";
import { createOpenAIRuntime } from "./runtime.ts";

/**
 * Agents on OpenAI's SDK: any model behind a binding of the models plugin.
 *
 * @example plugins: [models({ bindings: { openai: { apiKey } } }), openai()]
 */
export const openai = definePlugin({
  id: "openai",
  kind: "FRAMEWORK",
  description: "Agents on the OpenAI SDK: Responses and Chat Completions, with tools and approvals.",
  requires: { models: modelService },
  setup: ({ deps, contribute }) => {
    contribute(runtimes, "openai", createOpenAIRuntime(deps.models, installedVersion()));
    return {};
  },
});

/** Read from a file of one line: the SDK itself waits for the first turn. Nothing where it is not installed. */
function installedVersion(): string | undefined {
  try {
    return (createRequire(import.meta.url)("openai/version") as { VERSION: string }).VERSION;
  } catch {
    return undefined;
  }
}
