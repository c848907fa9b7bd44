import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { definePlugin, defineConfig, tools, type ToolDefinition } from "../../src/core/index.ts";
import { agents, auth, capabilities, chat, health, models, openai, simulated } from "../../src/plugins/index.ts";

const { WEFTLINE_DATA = "" } = process.env;

/** Notes each call in a file and then waits until another file is there: a server can be killed in the middle of it. */
function slowTool(name: string, repeat: "idempotent" | "once"): ToolDefinition {
  return {
    name,
    description: "Works slowly.",
    inputSchema: { type: "object", properties: {}, additionalProperties: false },
    sideEffects: "WRITE",
    approval: "NEVER",
    idempotent: repeat === "idempotent",
    timeoutMs: 30_000,
    execute: async (_: unknown, { idempotencyKey, signal }) => {
      appendFileSync(join(WEFTLINE_DATA, "calls"), `${idempotencyKey}\n`);
      while (!existsSync(join(WEFTLINE_DATA, "go"))) {
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      return { worked: name };
    },
  };
}

const slow = definePlugin({
  id: "slow",
  setup: ({ contribute }) => {
    for (const tool of [slowTool("slow.again", "idempotent"), slowTool("slow.once", "once")]) contribute(tools, tool.name, tool);
    return {};
  },
});

/** The plugins that ship, and two tools that take their time. */
export default defineConfig({
  dataDir: WEFTLINE_DATA,
  plugins: [auth(), health(), models(), simulated({ tokensPerSecond: 0 }), capabilities(), openai(), agents(), chat(), slow()],
});
