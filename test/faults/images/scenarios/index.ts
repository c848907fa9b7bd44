import type { Scenario } from "../scenario.ts";
import { failing, pausing, retrying, undo } from "./ends.ts";
import { flow } from "./flow.ts";
import { sweeping } from "./jobs.ts";
import { called, telling, ticking } from "./outsiders.ts";
import { remembering } from "./remembering.ts";
import { pruning } from "./retention.ts";
import { spending } from "./spending.ts";
import { closing, editing, talking, time } from "./upkeep.ts";

/** All scenarios. Together they reach every commit of runs, workflows, schedules, webhooks and the memory's tools: a test compares them with the sources. */
export const scenarios: readonly Scenario[] = [
  flow,
  undo,
  failing,
  pausing,
  retrying,
  talking,
  time,
  closing,
  editing,
  ticking,
  telling,
  called,
  sweeping,
  pruning,
  spending,
  remembering,
];
