import { defineEventType, type GraphBuilder } from "#weftline";
import { MemoryRecord } from "../contract.ts";
import { MemoryAction } from "./enums.ts";
import { recordsById } from "./record.ts";

/** Records as the log names them: by id, or with what the run was shown. */
interface MemoryPayload {
  readonly records: readonly (string | { readonly id: string })[];
}

const actions: Readonly<Record<string, MemoryAction>> = {
  "memory.recalled": "RECALLED",
  "memory.saved": "SAVED",
  "memory.updated": "UPDATED",
  "memory.forgotten": "FORGOTTEN",
};

export function addEvents(builder: GraphBuilder): void {
  defineEventType<MemoryPayload>(builder, "MemoryEvent", {
    kinds: Object.keys(actions),
    of: "run",
    description: "A run used its memory.",
    fields: (t) => ({
      action: t.field({
        type: MemoryAction,
        nullable: false,
        description: "What it did.",
        resolve: ({ kind }) => actions[kind] ?? "RECALLED",
      }),
      records: t.field({
        type: [MemoryRecord],
        nullable: false,
        description: "The records as they are now. Those that are gone, or that the viewer may not see, are left out.",
        resolve: async ({ payload }, _, scope) => {
          const ids = payload.records.map((each) => (typeof each === "string" ? each : each.id));
          const found = await Promise.all(ids.map((id) => scope.load(recordsById, id, (wanted) => recordsById(wanted, scope))));
          return found.filter((record) => record !== undefined);
        },
      }),
    }),
  });
}
