import { defineConfig, WeftlineError } from "./src/core/index.ts";
import {
  agents,
  auth,
  budgets,
  capabilities,
  chat,
  crewai,
  example,
  files,
  health,
  langchain,
  langgraph,
  mcp,
  memory,
  metrics,
  models,
  openai,
  otel,
  retention,
  schedules,
  simulated,
  webhooks,
  workflows,
} from "./src/plugins/index.ts";

/** The one place that reads the environment. */
const { HOST, PORT, WEFTLINE_DATA, WEFTLINE_MODE, WEFTLINE_SIMULATION, OPENAI_API_KEY, OPENAI_BASE_URL, DATABASE_URL } = process.env;
const { WEFTLINE_SECRET_KEY, WEFTLINE_SECRET_KEY_FILE, WEFTLINE_METRICS_TOKEN, OTEL_EXPORTER_OTLP_ENDPOINT } = process.env;

if (DATABASE_URL)
  refuse(
    "DATABASE_URL is set, but Postgres is not supported yet",
    "Unset DATABASE_URL: SQLite keeps the data in the folder WEFTLINE_DATA.",
  );

export default defineConfig({
  server: { host: HOST || "127.0.0.1", port: portOf(PORT || "4400") },
  dataDir: WEFTLINE_DATA || "./data",
  mode: modeOf(WEFTLINE_MODE || "development"),
  ...(WEFTLINE_SIMULATION ? { simulation: simulationOf(WEFTLINE_SIMULATION) } : {}),
  secrets: {
    // The first key seals, all of them open.
    ...(WEFTLINE_SECRET_KEY ? { keys: WEFTLINE_SECRET_KEY.trim().split(/[\s,]+/) } : {}),
    ...(WEFTLINE_SECRET_KEY_FILE ? { keyFile: WEFTLINE_SECRET_KEY_FILE } : {}),
  },
  plugins: [
    auth(),
    health(),
    // Off without a collector.
    otel({ endpoint: OTEL_EXPORTER_OTLP_ENDPOINT || undefined }),
    metrics({ token: WEFTLINE_METRICS_TOKEN || undefined }),
    models({ bindings: { openai: { apiKey: OPENAI_API_KEY || undefined, baseURL: OPENAI_BASE_URL || undefined } } }),
    simulated(),
    // Models of one's own have the prices that they are given: { prices: { "ollama/*": { input: "0.05", output: "0.05" } } }
    budgets(),
    capabilities(),
    // Each server brings its tools: { servers: { files: { command: "npx", args: ["-y", "@modelcontextprotocol/server-filesystem", "."] } } }
    mcp(),
    openai(),
    langchain(),
    langgraph(),
    crewai(),
    agents(),
    workflows(),
    chat(),
    files(),
    webhooks(),
    schedules(),
    retention(),
    memory(),
    example(),
  ],
});

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  return refuse(`PORT is "${text}"`, "Set PORT to a number from 0 to 65535, where 0 takes any free port.");
}

function modeOf(text: string): "development" | "production" {
  if (text === "development" || text === "production") return text;
  return refuse(`WEFTLINE_MODE is "${text}"`, "Set WEFTLINE_MODE to development or production.");
}

function simulationOf(text: string): "allowed" | "forbidden" {
  if (text === "allowed" || text === "forbidden") return text;
  return refuse(`WEFTLINE_SIMULATION is "${text}"`, "Set WEFTLINE_SIMULATION to allowed or forbidden, or leave it out.");
}

function refuse(problem: string, fix: string): never {
  throw new WeftlineError("CONFIG_INVALID", { file: "the environment", problem, fix });
}
