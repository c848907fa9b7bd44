import {
  Event,
  Message,
  MessageRole,
  SnapshotEvent,
  defineEnum,
  defineEventType,
  enumKey,
  globalId,
  loadRow,
  perEvent,
  snapshotKind,
  type GraphBuilder,
  type Snapshot,
} from "#weftline";
import { Thread, chatService } from "../contract.ts";
import { loadThread, stillSees, threadToFollow } from "./load.ts";

/** The events of a thread itself, and the subscription to all that happens in it. */
export function addThreadEvents(builder: GraphBuilder): void {
  const ThreadChange = enumKey("UPDATED", "CONFIGURED", "CLEARED", "ARCHIVED", "DELETED");
  defineEnum(builder, ThreadChange, "ThreadChange", "What happened to a thread.", {
    UPDATED: "Its title or agent is another, or it was brought back from the archive.",
    CONFIGURED: "Its settings are others.",
    CLEARED: "Its messages are gone.",
    ARCHIVED: "It was put away.",
    DELETED: "It is gone.",
  });
  defineEventType<Snapshot>(builder, "ThreadSnapshotEvent", {
    kinds: [snapshotKind],
    of: "stream",
    interfaces: [SnapshotEvent],
    description: "The state of a thread at seq, in place of the events up to it.",
  });
  defineEventType<{ readonly message: string; readonly role: MessageRole }>(builder, "MessageAddedEvent", {
    kinds: ["message.added"],
    of: "stream",
    description: "A person or a plugin added a message.",
    fields: (t) => ({
      messageId: t.id({
        nullable: false,
        description: "The message's id.",
        resolve: ({ payload }) => globalId("Message", payload.message),
      }),
      role: t.field({ type: MessageRole, nullable: false, description: "Who said it.", resolve: ({ payload }) => payload.role }),
      message: t.field({
        type: Message,
        description: "The message; null where it is gone.",
        resolve: ({ payload }, _, scope) => loadRow(scope, Message, payload.message),
      }),
    }),
  });
  defineEventType<{ readonly change: keyof typeof ThreadChange; readonly thread: string }>(builder, "ThreadChangedEvent", {
    kinds: ["thread.changed"],
    of: "stream",
    description: "The thread itself changed.",
    fields: (t) => ({
      threadId: t.id({ nullable: false, description: "The thread's id.", resolve: ({ payload }) => globalId("Thread", payload.thread) }),
      change: t.field({ type: ThreadChange, nullable: false, description: "What happened.", resolve: ({ payload }) => payload.change }),
      thread: t.field({
        type: Thread,
        description: "The thread as it is now; null where it is gone.",
        resolve: ({ payload }, _, scope) => loadThread(scope, payload.thread),
      }),
    }),
  });
  builder.subscriptionField("threadEvents", (t) =>
    t.field({
      type: Event,
      nullable: false,
      description:
        "All that happens in a thread, its runs included; every row, so seq rises by exactly one above the compaction horizon. after null: a snapshot at the head, " +
        "then live. after n: the rows after n, or one snapshot where they were compacted. Ends only when the thread is deleted.",
      args: {
        thread: t.arg.id({ required: true, description: "The thread." }),
        after: t.arg.int({ description: "The last seq that is known." }),
      },
      subscribe: async (_, { thread: id, after }, scope) => {
        const thread = await threadToFollow(scope, String(id));
        return perEvent(scope, await scope.use(chatService).follow(scope, thread, after ?? null), stillSees(scope, thread.id));
      },
      resolve: (event) => event as never,
    }),
  );
}
