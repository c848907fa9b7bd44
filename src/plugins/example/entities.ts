import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const NoteSchema = defineEntity({
  name: "ExampleNote",
  tableName: "example_note",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    text: p.text(),
    /** Milliseconds since 1970. */
    createdAt: p.bigint("number"),
  }),
  indexes: [{ properties: ["tenantId", "ownerId", "createdAt"] }],
});

/** One note. */
export class ExampleNote extends NoteSchema.class {}
NoteSchema.setClass(ExampleNote);

/** Nobody but its owner reads a note: every query of it is filtered by this rule. */
export const noteEntity = owned(NoteSchema, { rule: "PRIVATE" });
