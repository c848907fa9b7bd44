import { enumKey } from "../graphql/enums.ts";

export const RunStatus = enumKey("QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING", "SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED");
export type RunStatus = keyof typeof RunStatus;
export const RunTrigger = enumKey("API", "CHAT", "SCHEDULE", "WEBHOOK", "PARENT", "RETRY", "PLATFORM");
export type RunTrigger = keyof typeof RunTrigger;
export const StepKind = enumKey("MODEL", "TOOL", "NODE", "AGENT", "TASK", "MEMORY");
export type StepKind = keyof typeof StepKind;
export const StepStatus = enumKey("RUNNING", "WAITING", "SUCCEEDED", "FAILED", "CANCELLED", "SKIPPED");
export type StepStatus = keyof typeof StepStatus;
export const OnBusy = enumKey("REJECT", "ENQUEUE", "INTERRUPT");
export type OnBusy = keyof typeof OnBusy;
export const DeltaChannel = enumKey("TEXT", "REASONING");
export const MessageRole = enumKey("USER", "ASSISTANT", "SYSTEM", "TOOL");
export type MessageRole = keyof typeof MessageRole;
export const MessageStatus = enumKey("STREAMING", "COMPLETE", "FAILED", "CANCELLED");
export type MessageStatus = keyof typeof MessageStatus;
export const ToolCallStatus = enumKey("REQUESTED", "AWAITING_APPROVAL", "RUNNING", "SUCCESS", "ERROR", "DENIED", "CANCELLED");
export type ToolCallStatus = keyof typeof ToolCallStatus;
export const InterruptKind = enumKey("TOOL_APPROVAL", "INPUT", "REVIEW", "BUDGET", "UNCERTAIN");
export type InterruptKind = keyof typeof InterruptKind;
export const InterruptStatus = enumKey("PENDING", "RESOLVED", "EXPIRED", "CANCELLED");
export type InterruptStatus = keyof typeof InterruptStatus;
export const DecisionKind = enumKey("APPROVE", "EDIT", "REJECT", "ANSWER");
export type DecisionKind = keyof typeof DecisionKind;
export const FrameworkMode = enumKey("LIVE", "SIMULATED", "UNAVAILABLE");
export type FrameworkMode = keyof typeof FrameworkMode;

const terminal: ReadonlySet<RunStatus> = new Set(["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);

/** The other statuses, for SQL. */
export const openStatuses = "('QUEUED', 'RUNNING', 'WAITING', 'PAUSED', 'CANCELLING')";

/** Whether a run in this status never changes again. */
export function isTerminal(status: RunStatus): boolean {
  return terminal.has(status);
}
