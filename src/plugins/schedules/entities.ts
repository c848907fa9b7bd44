import { defineEntity } from "@mikro-orm/core";
import { owned, type RunLimits } from "#weftline";

const ScheduleSchema = defineEntity({
  name: "Schedule",
  tableName: "schedules_schedule",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    name: p.string(),
    /** What it runs: the GraphQL type, the field of `RunTargetInput`, and the id within the type. */
    targetType: p.string(),
    targetField: p.string(),
    targetId: p.string(),
    input: p.json<unknown>().nullable(),
    text: p.text().nullable(),
    threadId: p.string().nullable(),
    limits: p.json<RunLimits>(),
    cron: p.string(),
    /** By the IANA database. */
    timeZone: p.string(),
    missedTicks: p.enum(["SKIP", "RUN_ONCE", "RUN_ALL"] as const),
    overlap: p.enum(["SKIP", "QUEUE", "CANCEL_PREVIOUS"] as const),
    enabled: p.boolean(),
    /** Why it was disabled, or what became of its last tick if not one run. */
    reason: p.text().nullable(),
    /** Its next tick, in milliseconds since 1970; null while it is disabled. */
    nextAt: p.bigint("number").nullable(),
    /** The newest tick that was decided: no later one is at or before it, whatever the clock says. */
    lastTickAt: p.bigint("number").nullable(),
    lastRunId: p.string().nullable(),
    createdAt: p.bigint("number"),
    updatedAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["tenantId", "ownerId", "name"] }],
  indexes: [
    { properties: ["tenantId", "ownerId", "createdAt", "id"] },
    // Only what is to fire stands in it, in the order in which it does.
    { name: "schedules_schedule_due_index", properties: ["nextAt", "id"], where: "next_at is not null" as never },
  ],
});

/** Starts a run of a target, as its owner, at each tick of a cron expression. */
export class Schedule extends ScheduleSchema.class {}
ScheduleSchema.setClass(Schedule);
export const scheduleEntity = owned(ScheduleSchema, { rule: "PRIVATE" });
