/** A checkpoint to save: the state of a run after a step. */
export interface NewCheckpoint {
  /** The adapter's own, unique within the run and the namespace. */
  readonly id: string;
  /** Of a part of the run that keeps state of its own, as a graph within a graph; "" is the run itself. */
  readonly namespace?: string;
  /** The checkpoint of the same namespace that it follows. */
  readonly parent?: string | undefined;
  /** What wrote it, with a version: who reads another format refuses it, as in `langgraph/4`. */
  readonly format: string;
  /** The version of each value of the state, by the value's name. A version stands for one value for ever. */
  readonly versions: Readonly<Record<string, string>>;
  /** The values whose versions are new, as JSON. Of a list only what follows the part that it shares with the parent's is stored. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What the adapter needs beside the state, as JSON. Keep it small: it is stored whole each time. */
  readonly data: unknown;
  /** The adapter's name of the step after which it is taken. */
  readonly step?: string | undefined;
}

/** What a unit of work wrote before the next checkpoint was taken. */
export interface CheckpointWrite {
  readonly task: string;
  /** Its place within the task: a negative one is replaced by a later write, any other stands. */
  readonly index: number;
  readonly channel: string;
  readonly value: unknown;
}

/** A checkpoint as it stands. */
export interface StoredCheckpoint {
  readonly id: string;
  readonly namespace: string;
  readonly parent: string | undefined;
  readonly format: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly data: unknown;
  /** In the order of tasks and places. */
  readonly writes: readonly CheckpointWrite[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Which checkpoints to list, newest first. */
export interface CheckpointQuery {
  /** All namespaces by default. */
  readonly namespace?: string | undefined;
  /** Only those older than this one of the namespace. */
  readonly before?: string | undefined;
}

/**
 * The checkpoints of one run. A run that was forked from a checkpoint of another begins with that. What was said before a checkpoint is durable
 * before the checkpoint is; all writes are refused once another worker owns the run.
 */
export interface Checkpoints {
  /** Saves one; the same id again replaces its data. @throws RUN_FENCED */
  put(checkpoint: NewCheckpoint): Promise<void>;
  /** Notes what followed on a checkpoint. @throws RUN_FENCED */
  putWrites(at: { readonly namespace?: string; readonly checkpoint: string }, writes: readonly CheckpointWrite[]): Promise<void>;
  /** One by its id, or the newest of a namespace. */
  get(which: { readonly namespace?: string; readonly id?: string | undefined }): Promise<StoredCheckpoint | undefined>;
  list(query?: CheckpointQuery): AsyncIterable<StoredCheckpoint>;
}

/** The format of checkpoints that are a place among the steps of a run: their state is what those steps came to. */
export const stepsFormat = "steps/1";
