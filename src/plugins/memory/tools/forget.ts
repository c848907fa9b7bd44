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
    // A call that is made again finds that it is done.
    idempotent: true,
    timeoutMs: 15_000,
    execute: async ({ id }: { readonly id: string }, ctx) => {
      const key = ctx.idempotencyKey;
      const allowed = await allowedTo(host, ctx);
      const forgotten = (await host.store.callOf(key)) ? id : (await recordToChange(host, allowed, id)).id;
      await host.database.write(
        "SYSTEM",
        async (tx) => {
          if (await host.store.callOf(key, tx)) return;
          const current = await tx.em.findOne(MemoryRecord, { id: forgotten });
          if (!current) return;
          await host.store.noteCall(tx, key, current.id);
          await forgetRecord(host, tx, current);
        },
        "memory.forget-tool",
      );
      ctx.memoryChanged({ action: "FORGOTTEN", records: [forgotten] });
      return { forgotten };
    },
  };
}
