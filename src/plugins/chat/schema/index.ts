import type { GraphBuilder } from "#weftline";
import { addActivity } from "./activity.ts";
import { addCoreFields } from "./core-fields.ts";
import { addThreadEvents } from "./events.ts";
import { addInputs } from "./inputs.ts";
import { addMessageMutations } from "./message-mutations.ts";
import { addThreadMutations } from "./thread-mutations.ts";
import { addThread } from "./thread.ts";

/** What chat adds to the graph. */
export function addChatSchema(builder: GraphBuilder): void {
  addInputs(builder);
  addThread(builder);
  addActivity(builder);
  addThreadEvents(builder);
  addCoreFields(builder);
  addThreadMutations(builder);
  addMessageMutations(builder);
}
