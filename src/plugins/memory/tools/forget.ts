import type { ToolDefinition } from "#weftline";
import { MemoryRecord } from "../entities.ts";
import { forgetRecord } from "../service/forget.ts";
import type { MemoryHost } from "../service/host.ts";
import { allowedTo } from "./allowed.ts";
import { recordToChange } from "./found.ts";

/** Forgets a record of the run's owner. */
export function createForgetTool(host: MemoryHost): ToolDefinition {
  return {
    name: "memory.forget",
    description: "Forgets a fact for good, when the user asks for it. Take its id from memory.search.",
    inputSchema: {
      type: "object",
      properties: { id: { type: "string", minLength: 1, maxLength: 100, description: "The fact, by its id." } },
      required: ["id"],
      additionalProperties: false,
    },
    outputSchema: {
      type: "object",
      properties: { forgotten: { type: "string" } },
      required: ["forgotten"],
      additionalProperties: false,
    },
    sideEffects: "WRITE",
    approval: "NEVER",
    // A call that is made again may find nothing left, and would then fail though it was done: a person says what became of it.
    idempotent: false,
    timeoutMs: 15_000,
    execute: async ({ id }: { readonly id: string }, ctx) => {
      const record = await recordToChange(host, await allowedTo(host, ctx), id);
      await host.database.write(
        "SYSTEM",
        async (tx) => {
          const current = await tx.em.findOne(MemoryRecord, { id: record.id });
          if (current) await forgetRecord(host, tx, current);
        },
        "memory.forget-tool",
      );
      ctx.memoryChanged({ action: "FORGOTTEN", records: [record.id] });
      return { forgotten: record.id };
    },
  };
}
