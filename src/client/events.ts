/** Ids are global ids of the graph, times ISO 8601 strings. */
export type RunStatus = "QUEUED" | "RUNNING" | "WAITING" | "PAUSED" | "CANCELLING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "EXPIRED";
export type StepStatus = "RUNNING" | "WAITING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "SKIPPED";
export type MessageStatus = "STREAMING" | "COMPLETE" | "FAILED" | "CANCELLED";
export type MessageRole = "USER" | "ASSISTANT" | "SYSTEM" | "TOOL";
export type ToolCallStatus = "REQUESTED" | "AWAITING_APPROVAL" | "RUNNING" | "SUCCESS" | "ERROR" | "DENIED" | "CANCELLED";
export type InterruptStatus = "PENDING" | "RESOLVED" | "EXPIRED" | "CANCELLED";
export type Provenance = "LIVE" | "SIMULATED" | "REPLAYED";
export type ThreadChange = "UPDATED" | "CONFIGURED" | "CLEARED" | "ARCHIVED" | "DELETED";

interface Common {
  /** Its place in the stream: pass the last one as `after` to go on. */
  readonly seq: number;
  readonly at: string;
  /** What happened, as in message.delta. */
  readonly type: string;
}

interface OfRun extends Common {
  readonly runId: string;
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly estimated: boolean;
}

/** A message as a snapshot holds it: apply an event to it only if the event's `seq` is greater. */
export interface SnapshotMessage {
  readonly id: string;
  readonly seq: number;
  readonly role: MessageRole;
  readonly status: MessageStatus;
  readonly text: string;
  readonly createdAt: string;
}

export interface SnapshotRun {
  readonly id: string;
  readonly status: RunStatus;
  readonly targetName: string;
}

export interface SnapshotInterrupt {
  readonly id: string;
  readonly kind: string;
  readonly message: string;
  readonly toolName: string | null;
  readonly arguments: unknown;
  readonly argumentsHash: string | null;
}

/** The state at `seq`: comes first without `after`, and instead of rows that are no longer kept. */
interface Snapshot {
  readonly messages: readonly SnapshotMessage[];
  readonly hasEarlierMessages: boolean;
  readonly runs: readonly SnapshotRun[];
  readonly interrupts: readonly SnapshotInterrupt[];
}

/** What happens in a run, told apart by `__typename`. */
export type RunEvent =
  | ({ readonly __typename: "RunSnapshotEvent" } & OfRun & Snapshot)
  | ({
      readonly __typename: "RunStatusEvent";
      readonly runStatus: RunStatus;
      readonly provenance: Provenance | null;
      readonly parentRunId: string | null;
      readonly failure: { readonly code: string; readonly message: string; readonly retryable: boolean } | null;
      readonly totalUsage: Usage | null;
      readonly output: unknown;
    } & OfRun)
  | ({
      readonly __typename: "StepStartedEvent";
      readonly stepId: string;
      readonly key: string;
      readonly name: string;
      readonly kind: string;
      readonly attempt: number;
      /** Of a workflow's run: which node it is an attempt at. */
      readonly nodeKey: string | null;
      /** Which item of a map or round of a loop, from 0. */
      readonly iteration: number | null;
    } & OfRun)
  | ({
      readonly __typename: "StepFinishedEvent";
      readonly stepId: string;
      readonly stepStatus: StepStatus;
      readonly error: string | null;
      readonly durationMs: number | null;
    } & OfRun)
  | ({
      readonly __typename: "MessageStartedEvent";
      readonly messageId: string;
      readonly role: MessageRole;
      readonly agent: string | null;
      readonly attempt: number;
    } & OfRun)
  | ({
      readonly __typename: "MessageDeltaEvent";
      readonly messageId: string;
      readonly part: number;
      readonly channel: "TEXT" | "REASONING";
      readonly text: string;
    } & OfRun)
  | ({
      readonly __typename: "MessageFinishedEvent";
      readonly messageId: string;
      readonly messageStatus: MessageStatus;
      readonly supersededBy: string | null;
      readonly text: string;
    } & OfRun)
  | ({
      readonly __typename: "ToolRequestedEvent";
      readonly toolCallId: string;
      readonly name: string;
      readonly arguments: unknown;
      /** Where a model asked for it. */
      readonly calledFrom: { readonly messageId: string; readonly part: number } | null;
    } & OfRun)
  | ({
      readonly __typename: "ToolArgumentsEvent";
      readonly toolCallId: string;
      readonly delta: string | null;
      readonly arguments: unknown;
    } & OfRun)
  | ({ readonly __typename: "ToolStartedEvent"; readonly toolCallId: string; readonly attempt: number } & OfRun)
  | ({ readonly __typename: "ToolProgressEvent"; readonly toolCallId: string; readonly data: unknown } & OfRun)
  | ({
      readonly __typename: "ToolFinishedEvent";
      readonly toolCallId: string;
      readonly toolStatus: ToolCallStatus;
      readonly result: unknown;
      readonly error: string | null;
      readonly durationMs: number | null;
    } & OfRun)
  | ({
      readonly __typename: "InterruptEvent";
      readonly interruptId: string;
      readonly interruptStatus: InterruptStatus;
      readonly interrupt: SnapshotInterrupt | null;
    } & OfRun)
  | ({ readonly __typename: "StatePatchedEvent"; readonly patch: unknown } & OfRun)
  | ({
      readonly __typename: "UsageRecordedEvent";
      readonly modelStepId: string | null;
      readonly provider: string;
      readonly model: string;
      readonly usage: Usage;
    } & OfRun)
  | ({ readonly __typename: "ProgressEvent"; readonly progress: { readonly done: number; readonly total: number | null } } & OfRun)
  | ({ readonly __typename: "SignalEvent"; readonly name: string; readonly payload: unknown } & OfRun)
  | ({ readonly __typename: "CustomEvent"; readonly name: string; readonly data: unknown } & OfRun);

/** What happens in a thread, its runs included, told apart by `__typename`. */
export type ThreadEvent =
  | RunEvent
  | ({ readonly __typename: "ThreadSnapshotEvent" } & Common & Snapshot)
  | ({
      readonly __typename: "MessageAddedEvent";
      readonly messageId: string;
      readonly role: MessageRole;
      readonly message: SnapshotMessage | null;
    } & Common)
  | ({ readonly __typename: "ThreadChangedEvent"; readonly threadId: string; readonly change: ThreadChange } & Common);
