import { WeftlineError, connectionType, pageArgs, type GraphBuilder } from "#weftline";
import { MemoryRecord, memoryRecords } from "../contract.ts";
import { memoryInputs } from "./inputs.ts";
import { hitType } from "./record.ts";

export function addQueries(builder: GraphBuilder): void {
  const inputs = memoryInputs(builder);
  builder.queryFields((t) => ({
    memories: t.field({
      type: connectionType(builder, "MemoryRecord", MemoryRecord),
      description:
        "What is remembered, newest first: in a scope, or all that the viewer remembers. null for a scope that is not the viewer's.",
      args: { scope: t.arg({ type: inputs.scope, description: "Whose memory." }), ...pageArgs(t) },
      resolve: (_, { scope: ref, ...page }, scope) => orNothing(scope.use(memoryRecords).list(scope, ref ?? undefined, page)) as never,
    }),
    searchMemory: t.field({
      type: [hitType(builder)],
      description: "Finds records by what they mean and by their words, the best first. null where a scope is not the viewer's.",
      args: { input: t.arg({ type: inputs.search, required: true, description: "What to look for." }) },
      resolve: (_, { input }, scope) => orNothing(scope.use(memoryRecords).search(scope, input)) as never,
    }),
  }));
}

/** Queries answer null for what is foreign and what is missing alike. */
async function orNothing<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof WeftlineError && (error.code === "NOT_FOUND" || error.code === "INVALID_ID")) return null;
    throw error;
  }
}
