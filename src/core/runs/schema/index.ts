import type { GraphBuilder } from "../../graphql/builder.ts";
import { addEventInterfaces } from "../event-types.ts";
import { addApprovers } from "./approvers.ts";
import { addCheckpoint } from "./checkpoint.ts";
import { addEnums } from "./enums.ts";
import { addRunEvents } from "./events.ts";
import { addFrameworks } from "./framework.ts";
import { addInputs } from "./inputs.ts";
import { addInterrupt } from "./interrupt.ts";
import { addJobs } from "./jobs.ts";
import { addMessage } from "./message.ts";
import { addMutations } from "./mutations.ts";
import { addPause } from "./pause.ts";
import { addRun } from "./run.ts";
import { addRunList } from "./run-list.ts";
import { addSignals } from "./signals.ts";
import { addSnapshots } from "./snapshot.ts";
import { addStep } from "./step.ts";
import { addSubscription } from "./subscription.ts";
import { addTargets } from "./targets.ts";
import { addToolAudit } from "./tool-audit.ts";
import { addToolEvents } from "./tool-events.ts";
import { addUsage } from "./usage.ts";

/** The part of the graph that shows runs, what they say and ask, and the frameworks that advance them. */
export function addRunsSchema(builder: GraphBuilder): void {
  addEnums(builder);
  addUsage(builder);
  addTargets(builder);
  addFrameworks(builder);
  addEventInterfaces(builder);
  const refs = addRun(builder);
  addStep(builder);
  addCheckpoint(builder);
  addMessage(builder);
  addApprovers(builder);
  addInterrupt(builder);
  addRunList(builder);
  addRunEvents(builder, refs);
  addToolEvents(builder);
  addToolAudit(builder);
  addSnapshots(builder);
  addInputs(builder);
  addMutations(builder);
  addJobs(builder);
  addSignals(builder);
  addPause(builder);
  addSubscription(builder);
}
