/** What the command reads of the graph. Ids are global ids, times ISO 8601 strings. */

export type RunStatus = "QUEUED" | "RUNNING" | "WAITING" | "PAUSED" | "CANCELLING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "EXPIRED";
export type StepStatus = "RUNNING" | "WAITING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "SKIPPED";
export type DecisionKind = "APPROVE" | "EDIT" | "REJECT" | "ANSWER";

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export interface Usage {
  readonly totalTokens: number;
  readonly unpricedCalls: number;
  readonly cost: { readonly amount: string; readonly currency: string; readonly priceSource: string } | null;
}

/** A run as the graph has it now. */
export interface RunData {
  readonly id: string;
  readonly status: RunStatus;
  readonly targetName: string;
  readonly provenance: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  readonly failure: Failure | null;
  readonly usage: Usage;
  readonly target: { readonly __typename: string; readonly framework?: { readonly name: string } | null } | null;
}

/** A question to a person. */
export interface Asked {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly message: string;
  readonly toolName: string | null;
  readonly arguments: unknown;
  readonly argumentsHash: string | null;
  readonly responseSchema: unknown;
  readonly allowed: readonly DecisionKind[];
  readonly canDecide: boolean;
  readonly expiresAt: string | null;
  readonly run: { readonly id: string } | null;
  /** The step that asks; null where none does, or the viewer does not see it. */
  readonly step: { readonly key: string; readonly name: string; readonly nodeKey: string | null } | null;
}

/** A step of a workflow's run, as a list holds it. */
export interface StepData {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly attempt: number;
  readonly status: StepStatus;
  readonly nodeKey: string | null;
  readonly iteration: number | null;
  readonly error: string | null;
  readonly startedAt: string | null;
  readonly durationMs: number | null;
  readonly childRun: RunData | null;
}

interface Common {
  readonly seq: number;
  readonly at: string;
  readonly type: string;
  readonly runId: string;
}

interface Shapes {
  RunSnapshotEvent: {
    readonly messages: readonly {
      readonly id: string;
      readonly role: string;
      readonly status: string;
      readonly text: string;
      readonly run: { readonly id: string } | null;
    }[];
    readonly runs: readonly RunData[];
    readonly interrupts: readonly Asked[];
  };
  RunStatusEvent: {
    readonly runStatus: RunStatus;
    readonly provenance: string | null;
    readonly parentRunId: string | null;
    readonly failure: Failure | null;
    readonly totalUsage: Usage | null;
    readonly output: unknown;
  };
  StepStartedEvent: {
    readonly stepId: string;
    readonly key: string;
    readonly name: string;
    readonly kind: string;
    readonly attempt: number;
    readonly nodeKey: string | null;
    readonly iteration: number | null;
    readonly childRun: RunData | null;
  };
  StepFinishedEvent: {
    readonly stepId: string;
    readonly stepStatus: StepStatus;
    readonly error: string | null;
    readonly durationMs: number | null;
  };
  MessageStartedEvent: { readonly messageId: string; readonly role: string };
  MessageDeltaEvent: { readonly messageId: string; readonly channel: "TEXT" | "REASONING"; readonly text: string };
  MessageFinishedEvent: { readonly messageId: string; readonly messageStatus: string; readonly text: string };
  ToolRequestedEvent: { readonly toolCallId: string; readonly name: string };
  ToolFinishedEvent: { readonly toolCallId: string; readonly toolStatus: string; readonly error: string | null };
  InterruptEvent: { readonly interruptId: string; readonly interruptStatus: string; readonly interrupt: Asked | null };
  UsageRecordedEvent: { readonly provider: string; readonly model: string; readonly usage: Usage };
  ProgressEvent: { readonly progress: { readonly done: number; readonly total: number | null } };
  CustomEvent: { readonly name: string; readonly data: unknown };
  ToolArgumentsEvent: object;
  ToolStartedEvent: object;
  ToolProgressEvent: object;
  StatePatchedEvent: object;
}

/** An event of a run or of one below it, told apart by `__typename`. */
export type WatchedEvent = { readonly [Name in keyof Shapes]: { readonly __typename: Name } & Common & Shapes[Name] }[keyof Shapes];

/** A node as a version of a workflow declares it. */
export interface PlannedNode {
  readonly key: string;
  readonly kind: string;
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly undo: string | null;
  readonly errorNode: string | null;
  readonly config: unknown;
}

const finalStatuses: ReadonlySet<string> = new Set(["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"]);

/** Whether a run in this status changes no more. */
export function isFinal(status: RunStatus): boolean {
  return finalStatuses.has(status);
}
