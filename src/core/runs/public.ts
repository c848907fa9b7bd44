export { approverProblems, joinApprovers, maxApprovers, type Approvers } from "./approvers/approvers.ts";
export { readApprovers, type ApproversInput } from "./approvers/read-approvers.ts";
export {
  purgers,
  runService,
  runTargets,
  snapshotKind,
  streamService,
  threadResolver,
  type AgentProgram,
  type FoundThread,
  type NewMessage,
  type ForkFrom,
  type Purger,
  type RunProgram,
  type RunService,
  type RunTargetType,
  type Snapshot,
  type StartRun,
  type Streams,
  type ThreadResolver,
} from "./contract.ts";
export type { FoundTarget, OwnProgram, ProgramContext, ProgramState, StepContent } from "./program.ts";
export type { CheckpointWrite, Checkpoints, NewCheckpoint, StoredCheckpoint } from "./checkpoints.ts";
export { Checkpoint } from "./entities/checkpoint.ts";
export { Interrupt, Message, ToolCall, type StoredFile, type StoredPart } from "./entities/message.ts";
export { Run, Step, UsageRow, type RunLimits, type RunSettings } from "./entities/run.ts";
export { FairPlaces } from "./fair-places.ts";
export { fileNote, fileService, fileUnsupported, mediaTypeOf, type Files, type NamedFile } from "./files.ts";
export { mostMaxResultChars, outcomeText } from "./tool-results.ts";
export { completionService, type CompletionRequest, type Completions } from "./completions.ts";
export { MemoryScope, memoryService, type Memory, type RecalledRecord, type RecallRequest } from "./memory.ts";
export type { LoggedEvent, ProgramEventBody, ProgramStep, RunEventBody, TokenUsage } from "./events.ts";
export {
  modelService,
  runtimes,
  type AgentRuntime,
  type ConversationMessage,
  type FilePart,
  type InputPart,
  type ModelBinding,
  type ModelFile,
  type Models,
  type Question,
  type QuestionOutcome,
  type RunContext,
  type RunRequest,
  type RuntimeFeatures,
  type RuntimeStatus,
} from "./runtime.ts";
export {
  RunBelow,
  skills,
  tenantTools,
  toolRegistry,
  toolSources,
  tools,
  type ApprovalRule,
  type PolicedCall,
  type SideEffects,
  type SkillDefinition,
  type TenantTools,
  type ToolContext,
  type ToolDefinition,
  type ToolOutcome,
  type ToolOwner,
  type ToolPolicy,
  type ToolRegistry,
  type ToolRequest,
  type ToolSource,
  type Verdict,
} from "./tools.ts";
export { runFigures, type KnownProgram, type RunFigures } from "./figures.ts";
export { isRecorded } from "./trace/trace-context.ts";
export { spanIdOf, traceIdOf } from "./trace/trace-ids.ts";
export { tracers } from "./trace/tracer.ts";
export { runOutboxes, type RunNotice, type RunOutbox } from "./outbox.ts";
export { Event, RunEvent, SnapshotEvent, defineEventType } from "./event-types.ts";
export { DecisionKind, MessageRole, OnBusy, RunStatus, isTerminal } from "./types.ts";
export { seesRun } from "./schema/access.ts";
export { ApproversView } from "./schema/approvers.ts";
export { Framework, frameworkOf } from "./schema/framework.ts";
export { moneyProblems, runLimitsOf, type RunLimitsInput } from "./schema/limits.ts";
export { listRuns, type RunFilter } from "./schema/run-list.ts";
export { runTargetNamed, startRequested, tellingProblems, type NamedTarget, type RunTargetRef } from "./schema/requested-run.ts";
export { plainOutput } from "./output.ts";
export { untilAborted } from "./plugin-work.ts";
export { limitsLeft } from "./limits-left.ts";
export { SetAside } from "./set-aside.ts";
export { stepsSoFar } from "./steps-so-far.ts";
export { defineJob, jobs, type JobContext, type JobDefinition } from "./jobs/definition.ts";
export { Job } from "./jobs/job.ts";
export { jobService, type Jobs } from "./jobs/service.ts";
export { agedRows } from "./retention/aged-rows.ts";
export {
  RetentionTarget,
  beginningService,
  legalHolds,
  retainedData,
  type Beginnings,
  type LegalHolds,
  type RetainedData,
  type RetentionFinding,
  type RetentionRule,
  type RetentionWork,
} from "./retention/contract.ts";
export { RunTarget, runTargetOf } from "./schema/targets.ts";
export { Money, UsageView, type Cost, type MoneyInput } from "./schema/usage.ts";
export {
  callHeader,
  modelMeter,
  type AdmittedCall,
  type LostCall,
  type MeterNote,
  type MeteredStart,
  type ModelMeter,
  type ModelRequest,
  type PricedCall,
} from "./metering/meter.ts";
export { runSeries, type RunBucket } from "./metering/series.ts";
export { usageSums, type SummedUsage, type SumQuery, type UsageSum } from "./metering/sums.ts";
export { treeUsage, type TreeUsage } from "./metering/ledger.ts";
export { usageOf, type UsageQuery } from "./metering/usage-of.ts";
export { noUsage } from "./usage.ts";
export { ledgerCurrency, mostMoney, nanosOf, amountOf, type CallCost } from "./metering/cost.ts";
