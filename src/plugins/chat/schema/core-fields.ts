import { Message, Run, WeftlineError, extendInput, type GraphBuilder } from "#weftline";
import { Thread } from "../contract.ts";
import { loadThread } from "./load.ts";

/** The fields that name a thread on types of the core. */
export function addCoreFields(builder: GraphBuilder): void {
  builder.objectField(Run, "thread", (t) =>
    t.field({ type: Thread, description: "The thread that it belongs to.", resolve: (run, _, scope) => loadThread(scope, run.threadId) }),
  );
  builder.objectField(Message, "thread", (t) =>
    t.field({
      type: Thread,
      nullable: false,
      description: "The thread that it stands in. A message of a run outside any thread has none: asking for it is an error.",
      resolve: async (message, _, scope) => {
        const thread = await loadThread(scope, message.threadId);
        if (!thread) throw new WeftlineError("NOT_FOUND", { what: "thread of this message" });
        return thread;
      },
    }),
  );
  extendInput(builder, "StartRunInput", (t) => ({
    thread: t.id({
      description: "The thread that the run belongs to: it is shown the thread's messages, and its events stand in the thread's log.",
    }),
  }));
}
