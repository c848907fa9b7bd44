import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import type { Tx } from "../../database/database.ts";
import { extensionPoint } from "../../kernel/refs.ts";
import type { Logger, MaybePromise } from "../../kernel/spec.ts";

/** A schema that also says its types as JSON Schema, as one of zod does. */
export type InputSchema<Value = unknown> = StandardSchemaV1<unknown, Value> & StandardJSONSchemaV1<unknown, Value>;

/** What a job works with. */
export interface JobContext<Input = unknown, State = unknown> {
  readonly runId: string;
  /** The tenant that it is for: what it does past the ownership filter has to keep to this. */
  readonly tenantId: string;
  /** The actor who started it; of what the platform starts by itself, the platform's own. */
  readonly ownerId: string;
  /** What the schema of the job made of what it was started with. */
  readonly input: Input;
  /** What it saved last; nothing where it has not. */
  readonly state: State | undefined;
  /** Aborts when the run is cancelled, loses its lease or passes its deadline. Pass it on. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /**
   * Says how far it is, as often as you like: the log has at most two ProgressEvents a second, the last one among them.
   *
   * @param total whole number, as `done`; left out where nobody knows it.
   */
  progress(done: number, total?: number): void;
  /**
   * Keeps where it is, up to 64 KiB of JSON. A run whose process is lost begins again with it. Also a boundary: between two saves the run pauses, and leaves
   * a platform that closes.
   *
   * @throws the reason to stop here; let it pass. JOB_STATE_INVALID for what cannot be kept.
   */
  save(state: State): Promise<void>;
  /**
   * The same for work of a few milliseconds on the database: both are durable together, so that nothing is done twice. A run that another process has taken
   * over commits nothing.
   *
   * @param work writes past the ownership filter, and answers with the state that this leads to.
   * @param name of the commit, for fault suites, as in `"memory.reindexed"`.
   * @throws as `save`, and what the work throws.
   */
  commit(work: (tx: Tx) => Promise<State>, name: string): Promise<void>;
}

/** Work of the platform itself that runs as a run. Make one with {@link defineJob}. */
export interface JobDefinition {
  /** As in `memory.reindex`. */
  readonly name: string;
  /** What it does, for people. */
  readonly description?: string;
  readonly input?: InputSchema;
  readonly state?: StandardSchemaV1;
  readonly resumable?: true;
  readonly onBusy?: "REJECT" | "ENQUEUE";
  run(ctx: JobContext): MaybePromise<unknown>;
}

/** A job as a plugin writes it. */
export interface JobSpec<Input, State> {
  /** As in `memory.reindex`: the plugin's id, and what it does. */
  readonly name: string;
  /** What it does, for people. */
  readonly description?: string;
  /** Checks what it is started with, and again at each turn. Without it, a job takes no input. */
  readonly input?: InputSchema<Input>;
  /** Of what it saves; a job with it is resumable. What an earlier version saved has to fit it, too, or the run fails with JOB_STATE_INVALID. */
  readonly state?: StandardSchemaV1<unknown, State>;
  /**
   * Whether it may be called again when its process was lost, or the platform was closed, in the middle: for a job without a state, which then finds by itself what is left
   * to do. A job that is not resumable is not begun twice: its run fails with PROCESS_LOST.
   */
  readonly resumable?: true;
  /** Lets one run of it at a time be open in a tenant: another is refused with BUSY, or waits for the end of those before. By default they run side by side. */
  readonly onBusy?: "REJECT" | "ENQUEUE";
  /**
   * The work, for as long as it takes: it holds one of the places for runs, and nothing else waits for it as long as it awaits and its transactions are short.
   *
   * @returns the run's output: JSON, or nothing.
   * @throws what goes wrong: the run fails with it.
   */
  run(ctx: JobContext<Input, State>): MaybePromise<unknown>;
}

/** Where plugins put {@link JobDefinition}s, by name. */
export const jobs = extensionPoint<JobDefinition>("runs.jobs");

/**
 * A job: work of the platform itself, as reindexing or an import. Admins start it with `startJob`, and plugins with `jobService`.
 *
 * @example
 * const count = defineJob({
 *   name: "sheep.count",
 *   input: z.object({ upTo: z.int().max(1_000) }),
 *   state: z.object({ counted: z.int() }),
 *   async run({ input, state, progress, save }) {
 *     for (let sheep = state?.counted ?? 0; sheep < input.upTo; sheep++) {
 *       progress(sheep, input.upTo);
 *       await save({ counted: sheep + 1 });
 *     }
 *   },
 * });
 * // in the plugin: contributes: [contribution(jobs, count.name, count)]
 */
export function defineJob<Input = undefined, State = undefined>(spec: JobSpec<Input, State>): JobDefinition {
  return spec as unknown as JobDefinition;
}

/** Whether a job that was interrupted may go on. */
export function isResumable({ resumable, state }: JobDefinition): boolean {
  return resumable === true || state !== undefined;
}

/** What a job is started with, as JSON Schema; nothing where it takes no input. */
export function inputSchemaOf({ input }: JobDefinition): Readonly<Record<string, unknown>> | undefined {
  return input?.["~standard"].jsonSchema.input({ target: "draft-2020-12" });
}
