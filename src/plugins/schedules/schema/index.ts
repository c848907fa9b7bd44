import { Run, extendInput, type GraphBuilder } from "#weftline";
import { Schedule } from "../entities.ts";
import { loadSchedule } from "../service/reach.ts";
import { addEnums } from "./enums.ts";
import { addInputs } from "./inputs.ts";
import { addMutations } from "./mutations.ts";
import { addSchedule } from "./schedule.ts";

/** The graph of schedules, and what they add to that of runs. */
export function addSchedulesSchema(builder: GraphBuilder): void {
  addEnums(builder);
  addInputs(builder);
  addSchedule(builder);
  addMutations(builder);
  extendInput(builder, "RunFilter", (t) => ({ schedule: t.id({ description: "Started by this schedule." }) }));
  builder.objectField(Run, "schedule", (t) =>
    t.field({
      type: Schedule,
      description: "The schedule that started it; null for other runs, and where it was removed.",
      resolve: (run, _, scope) => loadSchedule(scope, run.scheduleId),
    }),
  );
}
