import { defineEntity } from "@mikro-orm/core";
import { owned } from "../../database/ownership.ts";
import type { StoredUsage, RunFailure } from "../events.ts";
import type { ValueRefs } from "../values/refs.ts";

/** Limits of one run; times in milliseconds. */
export interface RunLimits {
  readonly maxSteps?: number;
  readonly maxTokens?: number;
  readonly maxCost?: { readonly amount: string; readonly currency: string };
  readonly deadlineMs?: number;
}

/** What the caller's surroundings (a thread) decide for a run. */
export interface RunSettings {
  readonly simulated: "allowed" | "forbidden";
  /** How many messages of the thread the agent is shown. */
  readonly historyLimit?: number;
  /** And of how many tokens, as estimated; without it, of any number. */
  readonly historyTokens?: number;
  /** What becomes of messages that no longer fit: `rolling` has the agent's model summarize them. Without it they are left out. */
  readonly historySummary?: "rolling";
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  /** What a run that was forked from another takes over from it. */
  readonly replays?: Replays;
  /** The trace that the request was in that started the tree, as a W3C `traceparent`. */
  readonly traceparent?: string;
  /** Of a run below another: that it undoes something of that one, whose cancel and deadline leave it alone. */
  readonly undoes?: true;
}

/** Steps of another run, by their keys, with which a run begins as if they were its own. */
export interface Replays {
  readonly runId: string;
  readonly keys: readonly string[];
}

const RunSchema = defineEntity({
  name: "Run",
  tableName: "runs_run",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    streamNum: p.integer(),
    /** The seq of its `run.queued`: with the stream it names the run in the log. */
    startSeq: p.integer(),
    /** The last event that changed it. */
    seq: p.integer(),
    /**
     * The seq of the newest event of its stream when the row was read: whatever is read of the run after it is at least as new, so that who
     * follows from here misses nothing.
     */
    lastSeq: p.integer().formula((columns) => `(select head from runs_stream where num = ${columns.streamNum})`),
    threadId: p.string().nullable(),
    rootId: p.string(),
    parentId: p.string().nullable(),
    retryOfId: p.string().nullable(),
    blockedById: p.string().nullable(),
    /** The run that the user's message started and whose answer this one gives anew, by `regenerateMessage`. */
    regeneratesId: p.string().nullable(),
    targetType: p.string(),
    targetId: p.string(),
    targetName: p.string(),
    targetVersion: p.integer().nullable(),
    /** The schedule that started it, and for which of its ticks. */
    scheduleId: p.string().nullable(),
    scheduleTickAt: p.bigint("number").nullable(),
    trigger: p.enum(["API", "CHAT", "SCHEDULE", "WEBHOOK", "PARENT", "RETRY", "PLATFORM"] as const),
    status: p.enum(["QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"] as const),
    provenance: p.enum(["LIVE", "SIMULATED", "REPLAYED"] as const).nullable(),
    /** What is large of its input, output and text stands apart: these are whole with what `inputRefs`, `outputRefs` and `textRefs` name. */
    input: p.json<unknown>().nullable(),
    inputRefs: p.json<ValueRefs>().nullable(),
    output: p.json<unknown>().nullable(),
    outputRefs: p.json<ValueRefs>().nullable(),
    /** The text of the last answer. */
    text: p.text().nullable(),
    textRefs: p.json<ValueRefs>().nullable(),
    failure: p.json<RunFailure>().nullable(),
    /** What the caller keeps with it. */
    metadata: p.json<Readonly<Record<string, unknown>>>().nullable(),
    usage: p.json<StoredUsage>().nullable(),
    limits: p.json<RunLimits>(),
    settings: p.json<RunSettings>(),
    progressDone: p.bigint("number").nullable(),
    progressTotal: p.bigint("number").nullable(),
    cancelReason: p.text().nullable(),
    /** Raised by every take-over: an append with an older one is refused. */
    epoch: p.integer().default(0),
    leaseOwner: p.string().nullable(),
    leaseUntil: p.bigint("number").nullable(),
    /** From when on the run wants a worker; null where it waits for something else. */
    dueAt: p.bigint("number").nullable(),
    /** Raised by whatever it may wait for: a decision, the end of a run below it. One that came while a turn ended is seen by it. */
    wakes: p.integer().default(0),
    /** 1 while a run at work is to pause where its turn ends in a wait. */
    pauseRequested: p.integer().default(0),
    /** How often its process was lost. */
    takeovers: p.integer().default(0),
    deadlineAt: p.bigint("number").nullable(),
    createdAt: p.bigint("number"),
    startedAt: p.bigint("number").nullable(),
    finishedAt: p.bigint("number").nullable(),
  }),
  uniques: [
    { properties: ["streamNum", "startSeq"] },
    // A tick starts one run, whoever else believes that it is due.
    { name: "runs_run_schedule_tick_unique", properties: ["scheduleId", "scheduleTickAt"], where: "schedule_id is not null" as never },
  ],
  indexes: [
    { properties: ["tenantId", "ownerId", "createdAt"] },
    { properties: ["tenantId", "createdAt"] },
    // The open runs of a viewer, counted at each start. (With its own type, the condition keeps the properties from being inferred.)
    { name: "runs_run_open_index", properties: ["tenantId", "ownerId"], where: "finished_at is null" as never },
    // In the full order of a list: otherwise SQLite prefers the index of all of the viewer's runs for a thread's list, too.
    { properties: ["threadId", "createdAt", "id"] },
    { name: "runs_run_open_thread_index", properties: ["threadId"], where: "finished_at is null" as never },
    { properties: ["targetId", "createdAt"] },
    // What few runs have stands in small indexes: a run that never has it writes nothing there.
    {
      name: "runs_run_open_job_index",
      properties: ["tenantId", "targetId"],
      where: "finished_at is null and target_type = 'Job'" as never,
    },
    {
      name: "runs_run_ended_index",
      properties: ["tenantId", "finishedAt", "id"],
      where: "finished_at is not null and thread_id is null and parent_id is null" as never,
    },
    { name: "runs_run_parent_index", properties: ["parentId"], where: "parent_id is not null" as never },
    { name: "runs_run_regenerates_index", properties: ["regeneratesId"], where: "regenerates_id is not null" as never },
    { name: "runs_run_schedule_index", properties: ["scheduleId", "createdAt", "id"], where: "schedule_id is not null" as never },
    { name: "runs_run_blocked_index", properties: ["blockedById"], where: "blocked_by_id is not null" as never },
    { name: "runs_run_due_at_index", properties: ["dueAt"], where: "due_at is not null" as never },
    { name: "runs_run_lease_index", properties: ["leaseUntil"], where: "lease_owner is not null" as never },
    { name: "runs_run_deadline_index", properties: ["deadlineAt"], where: "deadline_at is not null and finished_at is null" as never },
    // The due runs of a viewer, found where a backlog of others is older.
    { name: "runs_run_due_index", properties: ["tenantId", "ownerId", "dueAt"], where: "due_at is not null" as never },
  ],
});

/** One execution of an agent, a workflow or another target. */
export class Run extends RunSchema.class {}
RunSchema.setClass(Run);
export const runEntity = owned(RunSchema, { rule: "PRIVATE" });

const RunMetadataSchema = defineEntity({
  name: "RunMetadata",
  tableName: "runs_run_metadata",
  properties: (p) => ({
    runId: p.string().primary(),
    name: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    /** Of the member's value, whatever it is. */
    valueHash: p.string(),
  }),
  indexes: [{ properties: ["tenantId", "name", "valueHash", "ownerId", "runId"] }],
});

/** One member of a run's metadata, by which the run is found. */
export class RunMetadata extends RunMetadataSchema.class {}
RunMetadataSchema.setClass(RunMetadata);
export const runMetadataEntity = owned(RunMetadataSchema, { rule: "PRIVATE" });

const UsageSchema = defineEntity({
  name: "UsageRow",
  tableName: "runs_usage",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    /** Empty, as the three below, once what the run said was erased: the amounts stay. */
    runId: p.string().index(),
    rootId: p.string().default(""),
    stepId: p.string().nullable(),
    threadId: p.string().nullable(),
    targetType: p.string().default(""),
    targetId: p.string().index(),
    /** The workflow that its tree of runs is of. */
    workflowId: p.string().nullable(),
    provider: p.string(),
    model: p.string(),
    provenance: p.string(),
    inputTokens: p.bigint("number"),
    outputTokens: p.bigint("number"),
    cachedInputTokens: p.bigint("number").nullable(),
    reasoningTokens: p.bigint("number").nullable(),
    estimated: p.boolean(),
    /** In nanos, as text: sums of them are past what a number holds; null where the price is unknown. */
    costNanos: p.bigint("string").nullable(),
    priceSource: p.string().nullable(),
    /** 1 once it stands in the sums. */
    summed: p.integer().default(0),
    createdAt: p.bigint("number"),
  }),
  indexes: [
    { properties: ["tenantId", "ownerId", "createdAt"] },
    { properties: ["tenantId", "createdAt"] },
    // The few that are not in the sums yet. (With its own type, the condition keeps the properties from being inferred.)
    { name: "runs_usage_new_index", properties: ["id"], where: "summed = 0" as never },
  ],
});

/** One model call: its tokens, what they cost, and what it was for. The ledger. */
export class UsageRow extends UsageSchema.class {}
UsageSchema.setClass(UsageRow);
export const usageEntity = owned(UsageSchema, { rule: "PRIVATE" });

const StepSchema = defineEntity({
  name: "Step",
  tableName: "runs_step",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    runId: p.string().index(),
    num: p.integer(),
    key: p.string(),
    name: p.string(),
    kind: p.enum(["MODEL", "TOOL", "NODE", "AGENT", "TASK", "MEMORY"] as const),
    status: p.enum(["RUNNING", "WAITING", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED"] as const),
    attempt: p.integer(),
    parentId: p.string().nullable(),
    provenance: p.enum(["LIVE", "SIMULATED", "REPLAYED"] as const).nullable(),
    /** Whole with what `inputRefs` names: what is large stands apart. */
    input: p.json<unknown>().nullable(),
    inputRefs: p.json<ValueRefs>().nullable(),
    output: p.json<unknown>().nullable(),
    outputRefs: p.json<ValueRefs>().nullable(),
    error: p.text().nullable(),
    /** The node of a workflow that it is an attempt at, and which item or round of it. */
    nodeKey: p.string().nullable(),
    iteration: p.integer().nullable(),
    /** The step that it undoes. */
    compensatesId: p.string().nullable(),
    /** The run that it started and waits for. */
    childRunId: p.string().nullable(),
    /** When there is something to do about it: its time is over, or it is tried again. */
    dueAt: p.bigint("number").nullable(),
    startedAt: p.bigint("number"),
    finishedAt: p.bigint("number").nullable(),
  }),
  // (With its own type, the condition keeps the properties from being inferred.)
  indexes: [{ name: "runs_step_due_index", properties: ["runId", "dueAt"], where: "due_at is not null" as never }],
});

/** One unit of a run: a model call, a tool call, a node. */
export class Step extends StepSchema.class {}
StepSchema.setClass(Step);
export const stepEntity = owned(StepSchema, { rule: "PRIVATE" });
