import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { contribution, defineConfig, definePlugin, tools, type ToolDefinition } from "../../src/core/index.ts";
import { agents, auth, capabilities, models } from "../../src/plugins/index.ts";
import { pythonCrewai } from "./python.ts";

/** A server that is killed while its crews play. */
const { WEFTLINE_DATA = "", TEST_PROVIDER = "" } = process.env;

const send: ToolDefinition = {
  name: "test.send",
  description: "Sends a letter.",
  inputSchema: { type: "object", properties: { text: { type: "string" } }, required: ["text"], additionalProperties: false },
  sideEffects: "EXTERNAL",
  approval: "ALWAYS",
  idempotent: false,
  timeoutMs: 5_000,
  execute: ({ text }: { readonly text: string }) => {
    appendFileSync(join(WEFTLINE_DATA, "sent"), `${text}\n`);
    return { sent: text };
  },
};

const office = definePlugin({ id: "office", description: "Letters.", contributes: [contribution(tools, send.name, send)] });

export default defineConfig({
  dataDir: WEFTLINE_DATA,
  logLevel: "error",
  plugins: [
    auth(),
    models({ default: "local", bindings: { local: { baseURL: TEST_PROVIDER, apiKey: "sk-none", api: "chat", defaultModel: "m" } } }),
    capabilities(),
    office(),
    pythonCrewai(),
    agents(),
  ],
});
