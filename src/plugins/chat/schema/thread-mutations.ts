import { globalId, inputNamed, localId, resultType, type GraphBuilder } from "#weftline";
import { Thread, chatService } from "../contract.ts";
import type { CreateThreadInput, UpdateThreadInput } from "./inputs.ts";

interface WithThread {
  readonly thread: Thread;
}

export function addThreadMutations(builder: GraphBuilder): void {
  addCreateAndUpdate(builder);
  addErasing(builder);
  const forked = threadResult(builder, "ForkThread");
  builder.mutationField("forkThread", (t) =>
    t.field({
      type: forked.type,
      nullable: false,
      description: "Copies a thread up to a message into a new one. Tool calls become data, since the copy has no runs.",
      args: {
        thread: t.arg.id({ required: true, description: "The thread." }),
        at: t.arg.id({ required: true, description: "The last message that is copied." }),
        idempotencyKey: t.arg.string({ description: "Makes it safe to send this again." }),
      },
      resolve: (_, { thread, at, idempotencyKey }, scope) =>
        forked.attempt(async () => {
          const request = {
            thread: localId("Thread", String(thread), ["thread"]),
            at: localId("Message", String(at), ["at"]),
            idempotencyKey,
          };
          return { thread: await scope.use(chatService).fork(scope, request) };
        }),
    }),
  );
}

function threadResult(builder: GraphBuilder, name: string) {
  return resultType<WithThread>(builder, name, {
    errors: ["conflict"],
    fields: (t) => ({ thread: t.field({ type: Thread, nullable: false, description: "The thread.", resolve: ({ thread }) => thread }) }),
  });
}

function addCreateAndUpdate(builder: GraphBuilder): void {
  const created = threadResult(builder, "CreateThread");
  const updated = threadResult(builder, "UpdateThread");
  builder.mutationFields((t) => ({
    createThread: t.field({
      type: created.type,
      nullable: false,
      description: "Makes a thread.",
      args: {
        input: t.arg({ type: inputNamed<CreateThreadInput>(builder, "CreateThreadInput"), required: true, description: "The thread." }),
      },
      resolve: (_, { input }, scope) => created.attempt(async () => ({ thread: await scope.use(chatService).create(scope, input) })),
    }),
    updateThread: t.field({
      type: updated.type,
      nullable: false,
      description: "Changes a thread: what is left out stays as it is, null clears.",
      args: {
        input: t.arg({ type: inputNamed<UpdateThreadInput>(builder, "UpdateThreadInput"), required: true, description: "The change." }),
      },
      resolve: (_, { input }, scope) =>
        updated.attempt(async () => {
          const request = { ...input, thread: localId("Thread", input.thread, ["input", "thread"]) };
          return { thread: await scope.use(chatService).update(scope, request) };
        }),
    }),
  }));
}

function addErasing(builder: GraphBuilder): void {
  const cleared = threadResult(builder, "ClearThread");
  const deleted = resultType<{ readonly deletedThreadId: string }>(builder, "DeleteThread", {
    errors: ["conflict"],
    fields: (t) => ({
      deletedThreadId: t.id({ nullable: false, description: "The id that it had.", resolve: ({ deletedThreadId }) => deletedThreadId }),
    }),
  });
  const thread = "The thread.";
  builder.mutationFields((t) => ({
    clearThread: t.field({
      type: cleared.type,
      nullable: false,
      description: "Removes all messages of a thread, and what is remembered of them. Refused while a run is open. seq goes on.",
      args: { thread: t.arg.id({ required: true, description: thread }) },
      resolve: (_, { thread: id }, scope) =>
        cleared.attempt(async () => ({ thread: await scope.use(chatService).clear(scope, localId("Thread", String(id), ["thread"])) })),
    }),
    deleteThread: t.field({
      type: deleted.type,
      nullable: false,
      description: "Cancels a thread's open runs and deletes it with all that belongs to it.",
      args: { thread: t.arg.id({ required: true, description: thread }) },
      resolve: (_, { thread: id }, scope) =>
        deleted.attempt(async () => {
          const local = localId("Thread", String(id), ["thread"]);
          await scope.use(chatService).delete(scope, local);
          return { deletedThreadId: globalId("Thread", local) };
        }),
    }),
  }));
}
