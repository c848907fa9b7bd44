import { Actor, MemoryScope, Run, actorOf, globalId, loadRow, nodeType, type GraphBuilder, type Scope } from "#weftline";
import { MemoryRecord, type MemoryHit } from "../contract.ts";
import { loadRecords } from "../service/records.ts";
import { embedderNames } from "../service/embedder-names.ts";
import { MemoryMatch } from "./enums.ts";

/** The type of the graph that each scope's id names. */
const typeOfScope: Partial<Record<MemoryScope, string>> = { THREAD: "Thread", AGENT: "Agent", WORKFLOW: "Run" };

/** Records by their ids, in their order; nothing for what the viewer may not see, or what is gone. */
export async function recordsById(ids: readonly string[], scope: Scope): Promise<(MemoryRecord | undefined)[]> {
  const rows = new Map((await loadRecords(scope, ids)).map((row) => [row.id, row]));
  return ids.map((id) => rows.get(id));
}

export function addRecord(builder: GraphBuilder): void {
  nodeType(builder, MemoryRecord, {
    name: "MemoryRecord",
    description:
      "A fact that was remembered. Who it is of reads it; what a tenant remembers is read by its members. Records that another superseded stay to be read, and no search finds them.",
    ownership: { rule: "GRANTED" },
    load: recordsById,
    fields: (t) => ({
      scope: t.field({ type: MemoryScope, nullable: false, description: "Whose memory it belongs to.", resolve: ({ scope }) => scope }),
      scopeId: t.id({
        description: "The thread, the agent, or the run at the top of the tree; null for USER and TENANT.",
        resolve: ({ scope, scopeId }) => {
          const type = typeOfScope[scope];
          return type ? globalId(type, scopeId) : null;
        },
      }),
      owner: t.field({
        type: Actor,
        nullable: false,
        description: "Who remembers it.",
        resolve: ({ ownerId }, _, scope) => actorOf(scope, ownerId),
      }),
      text: t.exposeString("text", { nullable: false, description: "The fact." }),
      metadata: t.field({
        type: "JSON",
        nullable: false,
        description: "What it is found by besides.",
        resolve: ({ metadata }) => metadata,
      }),
      embedder: t.string({
        description: "The embedder of its vector; null while it waits for one, and where it is superseded.",
        resolve: ({ embedderNum }, _, scope) =>
          embedderNum ? scope.load(embedderNames, String(embedderNum), (nums) => embedderNames(scope, nums)) : null,
      }),
      sourceRun: t.field({
        type: Run,
        description: "The run whose tool remembered it; null for a person's, and where the run is gone.",
        resolve: ({ sourceRunId }, _, scope) => loadRow(scope, Run, sourceRunId),
      }),
      supersededBy: t.field({
        type: MemoryRecord,
        description: "The record that took its place.",
        resolve: async ({ supersededById }, _, scope) =>
          supersededById == null ? null : ((await scope.load(recordsById, supersededById, (ids) => recordsById(ids, scope))) ?? null),
      }),
      createdAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was remembered.",
        resolve: ({ createdAt }) => createdAt,
      }),
      updatedAt: t.field({
        type: "DateTime",
        nullable: false,
        description: "When it was last changed.",
        resolve: ({ updatedAt }) => updatedAt,
      }),
      expiresAt: t.field({
        type: "DateTime",
        description: "From when on nobody is shown it; null for ever.",
        resolve: ({ expiresAt }) => expiresAt ?? null,
      }),
    }),
  });
}

/** The type of what a search gives. */
export function hitType(builder: GraphBuilder) {
  return builder.objectRef<MemoryHit>("MemoryHit").implement({
    description: "A record that a search found.",
    fields: (t) => ({
      record: t.field({ type: MemoryRecord, nullable: false, description: "The record.", resolve: ({ record }) => record }),
      score: t.exposeFloat("score", {
        nullable: false,
        description: "How high it ranks by both ways together, from 0 to 1: 1 where it comes first by its vector and by its words.",
      }),
      similarity: t.exposeFloat("similarity", {
        description: "The cosine of its vector and the query's, from -1 to 1; null where it was found by its words alone.",
      }),
      matchedBy: t.field({
        type: [MemoryMatch],
        nullable: false,
        description: "How it was found.",
        resolve: ({ matchedBy }) => [...matchedBy],
      }),
    }),
  });
}
