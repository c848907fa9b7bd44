import { createRequire } from "node:module";
import { completionService, definePlugin, modelService, runtimes } from "#weftline";
import { createSdkLoader } from "./client.ts";
import { createCompletions } from "./completions.ts";
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
  provides: { completions: completionService },
  setup: ({ deps, contribute }) => {
    const load = createSdkLoader();
    contribute(runtimes, "openai", createOpenAIRuntime({ models: deps.models, load, version: installedVersion() }));
    return { completions: createCompletions(load) };
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
