import type { Database, ToolDefinition } from "#weftline";
import { ExampleNote } from "./entities.ts";

const most = 20;

/** Lets an agent read the notes of the person whom it works for. */
export function createNotesTool(database: Database): ToolDefinition {
  return {
    name: "example.notes",
    description: "The latest notes of the user, newest first.",
    inputSchema: {
      type: "object",
      properties: { limit: { type: "integer", minimum: 1, maximum: most, description: "How many; 5 unless said." } },
      additionalProperties: false,
    },
    outputSchema: {
      type: "object",
      properties: { notes: { type: "array", items: { type: "string" }, description: "The texts." } },
      required: ["notes"],
      additionalProperties: false,
    },
    sideEffects: "READ",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 5_000,
    execute: async ({ limit = 5 }: { readonly limit?: number }, { tenantId, ownerId }) => {
      const where = { tenantId, ownerId };
      const notes = await database.em("SYSTEM").find(ExampleNote, where, { orderBy: { createdAt: "desc", id: "desc" }, limit });
      return { notes: notes.map(({ text }) => text) };
    },
  };
}
