import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";

const JobStateSchema = defineEntity({
  name: "JobState",
  tableName: "runs_job_state",
  properties: (p) => ({
    runId: p.string().primary(),
    state: p.text(),
    savedAt: p.bigint("number"),
  }),
});

/** Where a run of a job is. Written and read by prepared SQL only. */
class JobState extends JobStateSchema.class {}
JobStateSchema.setClass(JobState);
export const jobStateEntity = owned(JobStateSchema, { rule: "INTERNAL" });
