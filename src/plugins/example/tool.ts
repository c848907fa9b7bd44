import { v5 } from "uuid";
import type { Database, ToolDefinition } from "#weftline";
import { ExampleNote } from "./entities.ts";
import type { Notes } from "./service.ts";

const most = 20;

/** Lets an agent read the notes of the person whom it works for. */
export function createNotesTool(database: Database): ToolDefinition {
  return {
    name: "example.notes",
    description: "The latest notes of the user, newest first.",
    inputSchema: {
      type: "object",
      properties: { limit: { type: "integer", minimum: 1, maximum: most, description: "How many; 5 by default." } },
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

/** Makes the id of a note from the key of the call that keeps it. */
const keyed = "5f0c1f0e-3c1d-4b56-9a43-0f5a1de2a2c7";

/** The name of {@link createKeepTool}'s tool. */
export const keepToolName = "example.keep";

/** A note that was kept. */
export const keptNote = {
  type: "object",
  properties: { id: { type: "string" }, text: { type: "string" } },
  required: ["id", "text"],
  additionalProperties: false,
};

/** Keeps a note for the person whom a run works for. */
export function createKeepTool(database: Database, { keepFor }: Pick<Notes, "keepFor">): ToolDefinition {
  return {
    name: keepToolName,
    description: "Keeps a note for the user.",
    inputSchema: {
      type: "object",
      properties: { text: { type: "string", minLength: 1, maxLength: 10_000, description: "What to note." } },
      required: ["text"],
      additionalProperties: false,
    },
    outputSchema: keptNote,
    sideEffects: "WRITE",
    approval: "NEVER",
    // A call whose process was lost is made again, and keeps no second note.
    idempotent: true,
    timeoutMs: 5_000,
    execute: ({ text: given }: { readonly text: string }, { tenantId, ownerId, idempotencyKey }) =>
      database.write(
        "SYSTEM",
        async (tx) => {
          const owner = { tenantId, ownerId };
          const id = v5(idempotencyKey, keyed);
          const { text } = (await tx.em.findOne(ExampleNote, { ...owner, id })) ?? (await keepFor(tx, owner, { id, text: given }));
          return { id, text };
        },
        "example.keep",
      ),
  };
}
