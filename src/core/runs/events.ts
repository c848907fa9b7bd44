import type { Principal } from "../database/principals.ts";
import { isTerminal } from "./types.ts";
import type { Provenance } from "../host/types.ts";
import type { RecalledRecord } from "./memory.ts";
import type { CallCost } from "./metering/cost.ts";
import type { ValueRefs } from "./values/refs.ts";
import type { MessageRole, MessageStatus, StepKind, StepStatus, ToolCallStatus, InterruptStatus, RunStatus } from "./types.ts";

/** Tokens of one model call. Cached and reasoning tokens are parts of input and output. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
  /** Whether the counts were estimated here rather than reported by the provider. */
  readonly estimated?: boolean;
}

/** Whose model answers, where it is not the one that the run was given: that is said then, for the step, its message and its tokens. */
export interface Answering {
  readonly provenance?: "LIVE" | "SIMULATED";
}

/**
 * What an adapter may say. Names of steps and messages are the adapter's own, unique within one turn; the engine gives them ids.
 * The rules of their order stand in docs/run-protocol.md.
 */
export type RunEventBody =
  | ({
      readonly kind: "step.started";
      readonly step: string;
      readonly name: string;
      readonly stepKind: StepKind;
      readonly parentStep?: string;
      readonly input?: unknown;
    } & Answering)
  | {
      readonly kind: "step.finished";
      readonly step: string;
      readonly status: Exclude<StepStatus, "RUNNING" | "WAITING">;
      readonly error?: string;
      readonly output?: unknown;
    }
  | ({ readonly kind: "message.started"; readonly message: string } & Answering)
  | {
      readonly kind: "message.delta";
      readonly message: string;
      readonly part: number;
      readonly channel: "TEXT" | "REASONING";
      readonly text: string;
    }
  | {
      readonly kind: "message.finished";
      readonly message: string;
      readonly status: Exclude<MessageStatus, "STREAMING">;
      /** What the provider wants back with the message, any JSON: no client sees it, and later turns find it with the message. */
      readonly native?: unknown;
    }
  | { readonly kind: "state.patched"; readonly patch: unknown }
  | ({
      readonly kind: "usage.recorded";
      readonly step?: string;
      readonly provider: string;
      readonly model: string;
      /** The call that it is of: what stood in the {@link callHeader} of the response. */
      readonly call?: string;
    } & TokenUsage &
      Answering)
  | { readonly kind: "progress"; readonly done: number; readonly total?: number }
  | { readonly kind: "custom"; readonly name: string; readonly data?: unknown };

/** What a program of its own may say besides: of a step, which unit of its plan it is, what it waits for, and what it started. */
export type ProgramEventBody =
  | Exclude<RunEventBody, { readonly kind: "step.started" | "step.finished" }>
  | (Extract<RunEventBody, { readonly kind: "step.started" }> & ProgramStep)
  | (Extract<RunEventBody, { readonly kind: "step.finished" }> & {
      /** When the unit is tried again, after so many milliseconds. */
      readonly retryInMs?: number;
      /** The program reads the output again: it is kept whole, up to 16 MiB, or refused with OUTPUT_INVALID. */
      readonly keeps?: "output";
      /** The run can be forked behind this step: it is a checkpoint. */
      readonly checkpoint?: "here";
    });

/** What a {@link ProgramEventBody} says of a step that begins. It stays open over the turns of its run until it is finished. */
export interface ProgramStep {
  readonly nodeKey?: string;
  /** Which item or round of the node, from 0. */
  readonly iteration?: number;
  /** The step that it undoes, by its id. */
  readonly compensates?: string;
  /** When the run is to look at it again, by the store's clock. */
  readonly due?: StepDue;
  /** A run that begins with it, below this one. */
  readonly child?: NewChild;
  /** It was taken over from the run that this one was forked from. */
  readonly replayed?: "yes";
  /** The program reads the input again: it is kept whole, up to 16 MiB, or refused with OUTPUT_INVALID. */
  readonly keeps?: "input";
}

/** A time: after so many milliseconds, or in milliseconds since 1970. */
export type StepDue = { readonly inMs: number } | { readonly at: number };

/** A run that a step starts. */
export interface NewChild {
  readonly id: string;
  readonly targetType: string;
  readonly target: { readonly id: string; readonly name: string; readonly version?: number };
  readonly input?: unknown;
  readonly text?: string;
  /** At most so long, in milliseconds. */
  readonly timeoutMs?: number;
}

/** What stands apart of a payload, by the name of its member. */
export type PayloadRefs = Readonly<Partial<Record<"output" | "arguments" | "result", ValueRefs>>>;

/** What a tool's call did to the memory: the ids of the records. */
interface MemoryChanged {
  readonly c: number;
  readonly records: readonly string[];
}

/** What the log keeps of each kind: short, since one row stands for few tokens. Messages, steps and calls are numbers within their run. */
export interface EventPayloads {
  "run.queued": { readonly parent?: string };
  "run.started": { readonly provenance?: Provenance };
  "run.resumed": Record<never, never>;
  "run.waiting": Record<never, never>;
  "run.paused": Record<never, never>;
  "run.cancelling": { readonly reason?: string };
  "run.finished": {
    readonly provenance?: Provenance;
    readonly output?: unknown;
    readonly usage: StoredUsage;
    readonly refs?: PayloadRefs;
  };
  "run.failed": { readonly provenance?: Provenance; readonly failure: RunFailure; readonly usage: StoredUsage };
  "run.cancelled": { readonly provenance?: Provenance; readonly reason?: string; readonly usage: StoredUsage };
  "run.expired": { readonly provenance?: Provenance; readonly failure: RunFailure; readonly usage: StoredUsage };
  "step.started": {
    readonly s: number;
    readonly key: string;
    readonly name: string;
    readonly stepKind: StepKind;
    readonly attempt: number;
    readonly parent?: number;
    readonly node?: string;
    readonly iteration?: number;
    /** The run that it started. */
    readonly child?: string;
  };
  "step.finished": { readonly s: number; readonly status: StepStatus; readonly error?: string; readonly ms?: number };
  "message.started": { readonly m: number; readonly role: MessageRole; readonly agent?: string; readonly attempt: number };
  /** [message, part, text, 1 for reasoning] */
  "message.delta": readonly [m: number, part: number, text: string, reasoning?: 1];
  "message.finished": { readonly m: number; readonly status: MessageStatus; readonly supersededBy?: string; readonly text: string };
  "tool.requested": {
    readonly c: number;
    readonly name: string;
    readonly arguments?: unknown;
    readonly m?: number;
    readonly part?: number;
    readonly refs?: PayloadRefs;
  };
  "tool.arguments": { readonly c: number; readonly delta?: string; readonly arguments?: unknown; readonly refs?: PayloadRefs };
  "tool.started": { readonly c: number; readonly attempt: number };
  "tool.progress": { readonly c: number; readonly data?: unknown };
  "tool.finished": {
    readonly c: number;
    readonly status: ToolCallStatus;
    readonly result?: unknown;
    readonly error?: string;
    readonly ms?: number;
    readonly refs?: PayloadRefs;
  };
  "interrupt.raised": { readonly interrupt: string; readonly status: InterruptStatus };
  "interrupt.resolved": { readonly interrupt: string; readonly status: InterruptStatus };
  "signal.received": { readonly name: string; readonly payload?: unknown };
  /** Once a run, where its agent recalls: what its model is shown, how many records there was no room for, and why there are none. */
  "memory.recalled": {
    readonly s: number;
    readonly records: readonly RecalledRecord[];
    readonly omitted?: number;
    readonly problem?: string;
  };
  "memory.saved": MemoryChanged;
  "memory.updated": MemoryChanged;
  "memory.forgotten": MemoryChanged;
  "state.patched": { readonly patch: unknown };
  /** `cost` where the price is known. */
  "usage.recorded": { readonly s?: number; readonly provider: string; readonly model: string; readonly cost?: CallCost } & TokenUsage;
  progress: { readonly done: number; readonly total?: number };
  custom: { readonly name: string; readonly data?: unknown };
}

export type EventKind = keyof EventPayloads;

/** Sums of a run's model calls. */
export interface StoredUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens?: number | null;
  readonly reasoningTokens?: number | null;
  readonly modelCalls: number;
  readonly estimated: boolean;
  /** What the calls with a price cost, in nanos, and who says so. Earlier versions kept neither this nor how many have none. */
  readonly nanos?: number;
  readonly priceSources?: readonly string[];
  readonly unpricedCalls?: number;
}

/** Why a run did not succeed. */
export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly plugin?: string;
  /** How to fix it, where that says more than the catalogue does for the code. */
  readonly fix?: string;
}

/**
 * A row of the log, as followers see it. `kind` is an {@link EventKind} or one that a plugin appends to a stream of its own
 * (`message.added`, `thread.changed`).
 */
export interface LoggedEvent<Payload = unknown> {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: string;
  /** Absent for events of the stream itself. */
  readonly runId?: string;
  readonly payload: Payload;
  /** Of an interrupt that was just raised: its kind. In memory alone. */
  readonly asks?: string;
  /** Of an interrupt that was just appended: who besides the owner hears that it changed. In memory alone. */
  readonly approvers?: readonly Principal[];
}

/** An event that is about to be appended. */
export interface NewEvent {
  readonly kind: string;
  readonly payload: unknown;
  /** Appended at most once a run and key. */
  readonly key?: string;
}

/** A typed {@link NewEvent} of a run. */
export function event<Kind extends EventKind>(kind: Kind, payload: EventPayloads[Kind]): NewEvent {
  return { kind, payload };
}

/** The status that each `run.*` kind puts a run in. */
export const statusOfKind: Readonly<Record<string, RunStatus>> = {
  "run.queued": "QUEUED",
  "run.started": "RUNNING",
  "run.resumed": "RUNNING",
  "run.waiting": "WAITING",
  "run.paused": "PAUSED",
  "run.cancelling": "CANCELLING",
  "run.finished": "SUCCEEDED",
  "run.failed": "FAILED",
  "run.cancelled": "CANCELLED",
  "run.expired": "EXPIRED",
};

/** Ids of a run's parts are made of the run's id and a number, so that a row of the log need not carry them. */
export const messageIdOf = (runId: string, m: number): string => `${runId}.${m}`;
export const stepIdOf = (runId: string, s: number): string => `${runId}.s${s}`;

/** The run of a step, by the step's id. */
export const runIdOfStep = (stepId: string): string => stepId.slice(0, stepId.lastIndexOf(".s"));
export const checkpointIdOf = (runId: string, k: number): string => `${runId}.k${k}`;
export const toolCallIdOf = (runId: string, c: number): string => `${runId}.c${c}`;

/** Whether an event of this kind ends its run. */
export function endsRun(kind: string): boolean {
  const next = statusOfKind[kind];
  return next !== undefined && isTerminal(next);
}
