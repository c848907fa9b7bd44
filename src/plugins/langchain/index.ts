import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { definePlugin, modelService, runtimes } from "#weftline";
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
    contribute(runtimes, "langchain", createLangChainRuntime(deps.models, installedVersion()));
    return {};
  },
});

/** Read from the package's manifest: the SDK itself waits for the first turn. Nothing where it is not installed. */
function installedVersion(): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve("langchain/package.json");
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}
