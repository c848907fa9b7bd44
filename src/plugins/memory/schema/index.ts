import type { GraphBuilder } from "#weftline";
import { addEnums } from "./enums.ts";
import { addEvents } from "./events.ts";
import { addInputs } from "./inputs.ts";
import { addMutations } from "./mutations.ts";
import { addQueries } from "./queries.ts";
import { addRecord } from "./record.ts";

/** The graph of the memory. */
export function addMemorySchema(builder: GraphBuilder): void {
  addEnums(builder);
  addRecord(builder);
  addInputs(builder);
  addQueries(builder);
  addMutations(builder);
  addEvents(builder);
}
