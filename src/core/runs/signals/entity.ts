import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const RunSignalSchema = defineEntity({
  name: "RunSignal",
  tableName: "runs_signal",
  properties: (p) => ({
    id: p.string().primary(),
    runId: p.string(),
    /** Its number within the run: signals of one name are taken in this order. */
    num: p.integer(),
    name: p.string(),
    payload: p.json<unknown>().nullable(),
    at: p.bigint("number"),
    /** The step that took it. */
    takenBy: p.string().nullable().index(),
  }),
  uniques: [{ properties: ["runId", "num"] }],
  indexes: [
    // What waits to be taken: few rows, whatever a run was sent before.
    { name: "runs_signal_untaken_index", properties: ["runId", "name", "num"], where: "taken_by is null" as never },
  ],
});

/** A signal that a run was sent. */
class RunSignal extends RunSignalSchema.class {}
RunSignalSchema.setClass(RunSignal);
export const runSignalEntity = owned(RunSignalSchema, { rule: "INTERNAL" });
