import type { PluginEntry } from "../core/kernel/spec.ts";
import { definePlugin } from "../core/plugin.ts";
import { memoryService, type Memory } from "../core/runs/memory.ts";

/**
 * A memory whose answers a test writes, as the plugin that provides it.
 *
 * @example
 * const asked: RecallRequest[] = [];
 * const memory = scriptMemory({
 *   recall: (request) => {
 *     asked.push(request);
 *     return [{ id: "1", scope: "USER", text: "Likes tea.", score: 1 }];
 *   },
 * });
 * await using app = await testPlatform({ plugins: [models(), simulated(), capabilities(), agents(), openai(), memory] });
 */
export function scriptMemory(memory: Memory): PluginEntry {
  return definePlugin({
    id: "script-memory",
    description: "A memory that a test writes.",
    provides: { memory: memoryService },
    setup: () => ({ memory }),
  })();
}
