import type { Tx } from "../database/database.ts";
import type { ErrorCode } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { extensionPoint, serviceRef } from "../kernel/refs.ts";
import type { Checkpoint } from "./entities/checkpoint.ts";
import type { Interrupt, Message, StoredPart, ToolCall } from "./entities/message.ts";
import type { Run, RunLimits, RunSettings } from "./entities/run.ts";
import type { Stream } from "./entities/stream.ts";
import type { LoggedEvent, NewEvent } from "./events.ts";
import type { RecallRequest } from "./memory.ts";
import type { FoundTarget, GivenInput, OwnProgram } from "./program.ts";
import type { Signal } from "./signals/types.ts";
import type { ToolPolicy } from "./tools.ts";
import type { DecisionKind, OnBusy, RunTrigger } from "./types.ts";

/** What a run of an agent does: a framework converses with a model. */
export interface AgentProgram {
  readonly agent: { readonly id: string; readonly name: string; readonly version: number };
  /** The id of an {@link AgentRuntime}. */
  readonly framework: string;
  readonly instructions?: string;
  /** `binding/model`; absent for the default. */
  readonly model?: string;
  /** Names of tools and skills. */
  readonly capabilities: readonly string[];
  /** When a person is asked about a call of it, beyond what the tools themselves ask. */
  readonly toolPolicies?: readonly ToolPolicy[];
  /** What it recalls before it answers; absent where it does not. */
  readonly memory?: Pick<RecallRequest, "scopes" | "limit">;
  readonly options: unknown;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
}

/** What a run of a target does, read anew at each turn from what the run pinned. */
export type RunProgram = AgentProgram | OwnProgram;

/** How `startRun` names a target. */
export interface StartableTarget {
  /** The field of `RunTargetInput`, as in `agent`. */
  readonly inputField: string;
  /**
   * Checks what the run is given before there is a run. It is called outside the transaction of the start, so it may take time and may write.
   *
   * @returns the target that it checked: the run pins this version.
   * @throws as `find`, and INVALID_INPUT whose issues name the fields, as `["input", "input", "topic"]`.
   */
  check?(scope: Scope, value: unknown, given: GivenInput): Promise<FoundTarget>;
  /**
   * Finds what the field's value names, in the transaction of the start. `{ id }`, with an id of the graph, has to be one of the values: what is
   * to be run later is kept so.
   *
   * @throws NOT_FOUND, or a conflict where it takes no runs now.
   */
  find(scope: Scope, value: unknown): Promise<FoundTarget>;
}

/** Where a retry begins. */
export type ForkFrom = { readonly node: string } | { readonly checkpoint: Checkpoint };

/** A type of thing that can be run. */
export interface RunTargetType {
  /** The GraphQL type, an implementation of `RunTarget`; also the key at {@link runTargets}. */
  readonly typeName: string;
  /** How `startRun` names it; absent where its runs are started in another way. The plugin also adds the field to `RunTargetInput`. */
  readonly startable?: StartableTarget;
  /**
   * Whether a run of it may be repeated now, at whatever version that pinned; always by default.
   *
   * @param path where the run stood in the arguments, for the error.
   * @throws NOT_FOUND, or a conflict where it takes no runs now.
   */
  admit?(scope: Scope, id: string, path: readonly string[]): Promise<void>;
  /** Of jobs: whether one run at a time may be open in a tenant, and what becomes of another then; by default they run side by side. */
  alone?(id: string): "REJECT" | "ENQUEUE" | undefined;
  /**
   * What a retry of a run takes over from it, where it is to begin in the middle: keys of its steps.
   *
   * @throws INVALID_INPUT for a node that there is not.
   */
  fork?(run: Run, from: ForkFrom): Promise<readonly string[]>;
  /** What to do, as the platform itself: the run was allowed when it started. */
  program(run: Run): Promise<RunProgram>;
  /** The object for the graph, as the scope's viewer. */
  load(scope: Scope, id: string): Promise<object | null>;
}

/** Where plugins put {@link RunTargetType}s, by their type name. */
export const runTargets = extensionPoint<RunTargetType>("runs.targets");

/** A request for a run. */
export interface StartRun {
  readonly targetType: string;
  readonly target: FoundTarget;
  readonly trigger: RunTrigger;
  /** Where it belongs to a thread: its stream and the thread's id. */
  readonly thread?: { readonly id: string; readonly streamNum: number };
  readonly input?: unknown;
  /** Said to the agent as the user's message where there is no thread message. */
  readonly text?: string;
  readonly limits?: RunLimits;
  /** It ends no later than this, whatever its limits say; in milliseconds since 1970. */
  readonly latest?: number | null;
  readonly settings?: RunSettings;
  /** What the caller keeps with it, and finds it by. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** What to do while another run is open there: in the thread, or outside of one of the same target and owner. */
  readonly onBusy?: OnBusy;
  /**
   * The tick of a schedule that starts it, at most once. `onBusy` is then about the open runs of that schedule; in a thread, the run also waits
   * behind the runs that are open there.
   */
  readonly schedule?: { readonly id: string; readonly tickAt: number };
  readonly retryOfId?: string;
  readonly regeneratesId?: string;
}

/** A thread that a run may belong to, as `startRun` needs it. */
export interface FoundThread {
  readonly id: string;
  readonly streamNum: number;
  readonly settings: RunSettings;
}

/** Finds the threads that `StartRunInput.thread` names; the plugin that adds the field provides it. */
export interface ThreadResolver {
  /**
   * @param thread its id in the graph.
   * @param path where it stood in the arguments, for the error.
   * @throws INVALID_ID, NOT_FOUND, or a conflict where it takes no runs now.
   */
  find(scope: Scope, thread: string, path: readonly string[]): Promise<FoundThread>;
}

export const threadResolver = serviceRef<ThreadResolver>("runs.threadResolver");

/** A message that a person or a plugin adds to a stream. */
export interface NewMessage {
  readonly role: "USER" | "ASSISTANT" | "SYSTEM";
  readonly parts: readonly StoredPart[];
  readonly threadId: string;
  readonly authorId?: string;
  /** The run that it starts. */
  readonly runId?: string;
  readonly agentId?: string;
  readonly agentName?: string;
  readonly provenance?: "LIVE" | "SIMULATED" | "REPLAYED";
  /** When it was said, where that was elsewhere and before; in milliseconds since 1970. */
  readonly createdAt?: number;
}

/** What a person says to an agent. */
export type SaidMessage = Required<Pick<NewMessage, "role" | "parts" | "authorId">>;

/** A message and the run that answers it. */
export interface Answered {
  readonly message: Message;
  readonly run: Run;
}

/** A provider whose last runs failed, one after the other. */
export interface FailingProvider {
  /** The plugin of the framework that asked it. */
  readonly plugin: string;
  /** The model's binding, or the agent that is answered elsewhere. */
  readonly id: string;
  readonly provider: string;
  /** Without credentials; absent where the platform does not know it. */
  readonly url?: string;
  readonly failures: number;
  /** Of the last failure. */
  readonly code: ErrorCode;
  readonly fix: string;
}

/** Where the retry of a run begins: at one of its checkpoints, by the row's id, or at one of its nodes. */
export interface RetryFrom {
  readonly checkpoint?: string;
  readonly node?: string;
}

/** What a call was made with, and what came of it. */
export type CallContent = Pick<ToolCall, "arguments" | "requestedArguments" | "result">;

/** Runs: started, cancelled, retried, decided. Every method is one step of the caller's transaction or opens its own. */
export interface RunService {
  /** Queues a run within the caller's transaction; it is picked up when that commits. */
  start(scope: Scope, tx: Tx, request: StartRun): Promise<Run>;
  /** Adds a message to the run's thread and queues the run that answers it, with one append to the log. */
  answer(scope: Scope, tx: Tx, request: StartRun & Required<Pick<StartRun, "thread">>, message: SaidMessage): Promise<Answered>;
  /** Cancels the run and all below it. A finished run is returned unchanged. */
  cancel(scope: Scope, runId: string, reason?: string): Promise<Run>;
  /** The model providers that failed the last three runs or more that asked them. */
  failingProviders(): readonly FailingProvider[];
  /** Cancels within the caller's transaction, as the platform. */
  cancelIn(tx: Tx, run: Run, reason?: string): Promise<void>;
  /**
   * A new run of the same target with the same input.
   *
   * @param from where it begins; at the beginning by default.
   */
  retry(scope: Scope, tx: Tx, runId: string, from?: RetryFrom): Promise<Run>;
  decide(scope: Scope, decision: Decide): Promise<Interrupt>;
  /**
   * Pauses the viewer's run and all below it: at once where nobody works on one, else where its turn ends in a wait.
   *
   * @throws NOT_FOUND; CONFLICT for a run that has ended or is being cancelled.
   */
  pause(scope: Scope, runId: string): Promise<Run>;
  /** Lets a paused run and all below it go on. @throws NOT_FOUND; CONFLICT for a run that is not paused. */
  resume(scope: Scope, runId: string): Promise<Run>;
  /**
   * Sends a run of the transaction's viewer a signal: logged whenever it comes, and kept until a step takes it.
   *
   * @throws NOT_FOUND; INVALID_INPUT; CONFLICT for a run that has ended; RATE_LIMITED while too many are not taken.
   */
  signal(tx: Tx, runId: string, signal: Signal): Promise<void>;
  /** Lets runs of a tenant go on that wait for leave to spend more than a budget has: it has more now, or is gone. */
  budgetChanged(tenantId: string, budgetId: string): Promise<void>;
  /** @throws NOT_FOUND */
  find(scope: Scope, runId: string): Promise<Run>;
  /** What a run was given, whole: its row may hold parts of it apart. */
  inputOf(tx: Tx, run: Run): Promise<GivenInput>;
  /** The arguments and the result of a call, whole: its row may hold parts of them apart. */
  callContent(tx: Tx, call: ToolCall): Promise<CallContent>;
  /** The state at a checkpoint that the caller may see. */
  stateAt(checkpoint: Checkpoint): Promise<Readonly<Record<string, unknown>>>;
  /** Open runs of a thread, oldest first. */
  openRuns(scope: Scope, threadId: string): Promise<Run[]>;
}

export const runService = serviceRef<RunService>("runs.runs");

/** A decision on an interrupt. */
export interface Decide {
  readonly interruptId: string;
  readonly kind: DecisionKind;
  readonly argumentsHash?: string;
  readonly arguments?: unknown;
  readonly payload?: unknown;
  readonly reason?: string;
}

/** What a snapshot shows: the state at `seq`. */
export interface Snapshot {
  readonly messages: readonly Message[];
  readonly hasEarlierMessages: boolean;
  readonly runs: readonly Run[];
  readonly interrupts: readonly Interrupt[];
}

/** The kind of the event that stands for a {@link Snapshot}; it is never stored. */
export const snapshotKind = "snapshot";

/** Follows one stream. */
export interface Follow {
  readonly streamNum: number;
  /** Rows after this seq; null for a snapshot at the head and what follows. */
  readonly after: number | null;
  /** Ends after this run's last event; without it, only when the stream is deleted. */
  readonly runId?: string;
  /** Only events of this run and of the runs below it. */
  readonly only?: "run" | "all";
}

/** Streams: ordered logs that are followed from any place. */
export interface Streams {
  /** Opens a stream within the caller's transaction. */
  open(
    tx: Tx,
    stream: { readonly id: string; readonly kind: "THREAD" | "RUN"; readonly tenantId: string; readonly ownerId: string },
  ): Promise<Stream>;
  /** Appends events of the stream itself; followers hear of them after the commit. @returns the seq of the last. */
  append(tx: Tx, streamNum: number, events: readonly NewEvent[]): Promise<number>;
  /** Adds a message and appends its `message.added`. */
  addMessage(tx: Tx, streamNum: number, message: NewMessage): Promise<Message>;
  /**
   * Removes what was said in a stream: its messages, and all that its runs, which have ended, were given, did and said. The log itself is forgotten or deleted
   * apart. Call {@link Purger}s first.
   *
   * @param runs whether the rows of its runs stay, as what they were and cost, or go.
   */
  erase(tx: Tx, streamNum: number, runs: "KEEP_ROWS" | "REMOVE"): Promise<void>;
  /**
   * Forgets everything up to the head: rows go, readers from before get a snapshot. `seq` goes on.
   */
  forget(tx: Tx, streamNum: number): Promise<void>;
  /** Marks the stream as deleted: followers get what is left and then end. */
  delete(tx: Tx, streamNum: number): Promise<void>;
  /**
   * Rows after a seq, then live ones, without gap or repeat. Events of `kind` {@link snapshotKind} carry a {@link Snapshot}.
   *
   * @throws INVALID_CURSOR beyond the head.
   */
  follow(follow: Follow): Promise<AsyncIterableIterator<LoggedEvent>>;
  /** Hears every event of every stream after its commit, for what is derived and not stored. @returns what stops it. */
  tap(listener: (streamNum: number, events: readonly LoggedEvent[]) => void): () => void;
  /**
   * Messages with their open parts folded in from the log. Call it within `Database.still`, with rows that were read there: else their status,
   * their parts and their `seq` may be of different moments.
   */
  fold(messages: readonly Message[]): Promise<readonly Message[]>;
}

export const streamService = serviceRef<Streams>("runs.streams");

/** Deletes what a plugin keeps of a thread or a run: vectors, checkpoints, caches. Runs in the deleting transaction. */
export interface Purger {
  /**
   * Removes most of it before a thread is cleared or deleted, so that `purge` finds little left: in transactions of a
   * few milliseconds with pauses between them, each of which checks that the thread is not held. It may be interrupted.
   */
  prepare?(what: { readonly threadId: string; readonly runIds: readonly string[]; readonly tenantId: string }): Promise<void>;
  /** Of a thread that is cleared or deleted, with all of its runs. */
  purge(tx: Tx, what: { readonly threadId: string; readonly runIds: readonly string[]; readonly tenantId: string }): Promise<void>;
  /** Of some runs that go by themselves, as policies of retention have it: outside threads, or in a thread that stays. */
  purgeRuns?(tx: Tx, what: { readonly runIds: readonly string[]; readonly tenantId: string }): Promise<void>;
}

/** Where plugins put {@link Purger}s; clearing and deleting a thread runs them all. */
export const purgers = extensionPoint<Purger>("runs.purgers");
