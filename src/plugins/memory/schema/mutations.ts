import { globalId, localId, resultType, type GraphBuilder } from "#weftline";
import { MemoryRecord, memoryRecords } from "../contract.ts";
import { memoryInputs } from "./inputs.ts";

function changed(builder: GraphBuilder, name: string) {
  return resultType<{ readonly record: MemoryRecord }>(builder, name, {
    errors: ["conflict", "unavailable"],
    fields: (t) => ({
      record: t.field({ type: MemoryRecord, nullable: false, description: "The record.", resolve: ({ record }) => record }),
    }),
  });
}

export function addMutations(builder: GraphBuilder): void {
  addWrites(builder);
  addForgetting(builder);
}

function addWrites(builder: GraphBuilder): void {
  const inputs = memoryInputs(builder);
  const remembered = changed(builder, "Remember");
  const updated = changed(builder, "UpdateMemory");
  builder.mutationFields((t) => ({
    remember: t.field({
      type: remembered.type,
      nullable: false,
      description:
        "Remembers a fact. One that says the same as another of its scope becomes one with it: the answer is that record, with the metadata of both and the later expiry.",
      args: { input: t.arg({ type: inputs.remember, required: true, description: "The fact." }) },
      resolve: (_, { input }, scope) => remembered.attempt(async () => ({ record: await scope.use(memoryRecords).remember(scope, input) })),
    }),
    updateMemory: t.field({
      type: updated.type,
      nullable: false,
      description:
        "Changes a fact. Another text makes another record, the answer, which supersedes the one before: both can be read, and the newer is found. Without a text only the metadata changes, and null clears it.",
      args: {
        record: t.arg.id({ required: true, description: "Which record." }),
        text: t.arg.string({ description: "What is true now." }),
        metadata: t.arg({ type: "JSON", description: "What it is found by besides." }),
      },
      resolve: (_, { record, ...change }, scope) =>
        updated.attempt(async () => {
          const id = localId("MemoryRecord", String(record), ["record"]);
          return { record: await scope.use(memoryRecords).update(scope, { id, ...change }) };
        }),
    }),
  }));
}

function addForgetting(builder: GraphBuilder): void {
  const inputs = memoryInputs(builder);
  const forgotten = resultType<{ readonly id: string }>(builder, "Forget", {
    fields: (t) => ({
      deletedRecordId: t.id({
        nullable: false,
        description: "The record that is gone.",
        resolve: ({ id }) => globalId("MemoryRecord", id),
      }),
    }),
  });
  const cleared = resultType<{ readonly count: number }>(builder, "ForgetAll", {
    fields: (t) => ({
      count: t.field({ type: "SafeInt", nullable: false, description: "How many records are gone.", resolve: ({ count }) => count }),
    }),
  });
  builder.mutationFields((t) => ({
    forget: t.field({
      type: forgotten.type,
      nullable: false,
      description:
        "Forgets a record for good, with the records that it superseded. Runs that were shown it keep what they were shown until they are deleted.",
      args: { record: t.arg.id({ required: true, description: "Which record." }) },
      resolve: (_, { record }, scope) =>
        forgotten.attempt(async () => {
          const id = localId("MemoryRecord", String(record), ["record"]);
          await scope.use(memoryRecords).forget(scope, id);
          return { id };
        }),
    }),
    forgetAll: t.field({
      type: cleared.type,
      nullable: false,
      description: "Forgets all of a scope for good; TENANT is for admins.",
      args: { scope: t.arg({ type: inputs.scope, required: true, description: "Whose memory." }) },
      resolve: (_, { scope: ref }, scope) => cleared.attempt(async () => ({ count: await scope.use(memoryRecords).forgetAll(scope, ref) })),
    }),
  }));
}
