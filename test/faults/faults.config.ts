import { defineConfig } from "../../src/core/index.ts";
import {
  agents,
  auth,
  capabilities,
  chat,
  health,
  langgraph,
  memory,
  models,
  openai,
  schedules,
  simulated,
  workflows,
} from "../../src/plugins/index.ts";
import { faults } from "./plugin.ts";

/** The server under fault: every plugin that ships, and one that breaks it. */
const { WEFTLINE_DATA, FAULTS_TOKENS_PER_SECOND, FAULTS_PROVIDER } = process.env;

export default defineConfig({
  dataDir: WEFTLINE_DATA ?? "",
  logLevel: "error",
  plugins: [
    auth(),
    health(),
    models({ bindings: { openai: FAULTS_PROVIDER ? { apiKey: "faults", baseURL: FAULTS_PROVIDER } : {} } }),
    simulated({ tokensPerSecond: Number(FAULTS_TOKENS_PER_SECOND ?? 0) }),
    capabilities(),
    openai(),
    langgraph(),
    agents(),
    chat(),
    memory({ embedder: "lexical-hash-384" }),
    workflows(),
    schedules(),
    faults(WEFTLINE_DATA ?? ""),
  ],
});
