import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { contribution, defineConfig, definePlugin, tools, type ToolDefinition } from "../../src/core/index.ts";
import { faultInjections } from "../../src/core/runs/failpoint.ts";
import { agents, auth, capabilities, chat, health, models, openai, simulated } from "../../src/plugins/index.ts";

const { WEFTLINE_DATA = "" } = process.env;

const tool = (name: string, execute: ToolDefinition["execute"]): ToolDefinition => ({
  name,
  description: "Works.",
  inputSchema: { type: "object", properties: {}, additionalProperties: false },
  sideEffects: "READ",
  approval: "NEVER",
  idempotent: true,
  timeoutMs: 60_000,
  execute,
});

/** Stops the server: it never gives the thread back. */
const stop = tool("stuck.stop", () => {
  appendFileSync(join(WEFTLINE_DATA, "stops"), "stop\n");
  for (;;);
});
/** Waits, as most tools do, and is at work when the server stops. */
const wait = tool("stuck.wait", async (_, { signal }) => {
  await new Promise((resolve, reject) => {
    setTimeout(resolve, 300);
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
  return { waited: true };
});

const stuck = definePlugin({
  id: "stuck",
  contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { stallMs: 300, leaseMs: 500 } })],
  setup: ({ contribute }) => {
    for (const each of [stop, wait]) contribute(tools, each.name, each);
    return {};
  },
});

/** The plugins that ship, and a tool that stops the server. */
export default defineConfig({
  dataDir: WEFTLINE_DATA,
  plugins: [auth(), health(), models(), simulated({ tokensPerSecond: 0 }), capabilities(), openai(), agents(), chat(), stuck()],
});
