import type { RunnableConfig } from "@langchain/core/runnables";
import type {
  BaseCheckpointSaver,
  ChannelVersions,
  Checkpoint,
  CheckpointListOptions,
  CheckpointMetadata,
  CheckpointTuple,
  PendingWrite,
} from "@langchain/langgraph-checkpoint";
import { WeftlineError, type Checkpoints, type CheckpointWrite, type StoredCheckpoint } from "#weftline";
import type { LangGraphSdk } from "./sdk.ts";
import { StoredFiles } from "./stored-files.ts";
import { StoredValues, isInternal, type Encoded } from "./stored-values.ts";

/** Where a saver keeps what. */
export interface SaverOptions {
  readonly sdk: Pick<LangGraphSdk, "checkpointing">;
  /** LangGraph's thread: the run's id. */
  readonly threadId: string;
  readonly checkpoints: Checkpoints;
  /** Those of the conversation; none by default. */
  readonly files?: StoredFiles;
  /** Told of the values that a checkpoint changes, as JSON, before it is written. */
  readonly onState?: (namespace: string, changed: Readonly<Record<string, unknown>>) => Promise<void>;
  /** Told of a write that failed: LangGraph does not wait for all of them. */
  readonly onFailure?: (error: unknown) => void;
}

/** What stands beside the state in each checkpoint. */
interface Data {
  readonly checkpoint: Pick<Checkpoint, "v" | "id" | "ts" | "channel_versions" | "versions_seen">;
  readonly metadata: unknown;
  /** Values of channels that are LangGraph's own. */
  readonly internal: Readonly<Record<string, unknown>>;
}

/** An interrupt in the log of writes: how many of its node were answered before it tells it from the next one of that node. */
export interface StoredInterrupt {
  readonly id?: string;
  readonly value?: unknown;
  readonly response_schema?: unknown;
  answered?: number;
  /** Tells it from others of its node where that is not known. */
  readonly question?: string;
}

/** The most that one superstep may change of a graph's state, each value counted whole, and that one node may write, in bytes of JSON. */
export const mostStateBytes = 4 * 1024 * 1024;

/** Between the path of a task and its id: it sorts before whatever stands in a path. */
const separator = "\u0001";

/**
 * LangGraph's checkpoints over the platform's: in its database, refused once another worker owns the run, each value stored once a version.
 * It serves one thread, which is the run's.
 */
export function createSaver(options: SaverOptions): BaseCheckpointSaver<string> {
  const { threadId, checkpoints, onState, onFailure, files = new StoredFiles(new Map()) } = options;
  const { BaseCheckpointSaver: Base, TASKS, WRITES_IDX_MAP, maxChannelVersion } = options.sdk.checkpointing;

  class PlatformSaver extends Base<string> {
    /** Tasks that stand interrupted in the log of writes. */
    readonly #interrupted = new Set<string>();
    readonly #stored = new StoredValues(this.serde, files);

    async getTuple(config: RunnableConfig): Promise<CheckpointTuple | undefined> {
      const { checkpoint_ns: namespace = "", checkpoint_id: id } = configurableOf(config);
      if (!isThread(config)) return undefined;
      const stored = await checkpoints.get({ namespace, id: id || undefined });
      return stored && this.#tuple(stored);
    }

    async *list(config: RunnableConfig, { before, limit, filter }: CheckpointListOptions = {}): AsyncGenerator<CheckpointTuple> {
      const { thread_id, checkpoint_ns: namespace, checkpoint_id: only } = configurableOf(config);
      if (thread_id !== undefined && !isThread(config)) return;
      const youngest = configurableOf(before ?? {}).checkpoint_id;
      let left = limit ?? Number.POSITIVE_INFINITY;
      for await (const stored of checkpoints.list({ namespace })) {
        if (left <= 0) return;
        if ((only && stored.id !== only) || (youngest && stored.id >= youngest)) continue;
        const tuple = await this.#tuple(stored);
        const metadata = (tuple.metadata ?? {}) as unknown as Readonly<Record<string, unknown>>;
        if (filter && !Object.entries(filter).every(([key, value]) => metadata[key] === value)) continue;
        left--;
        yield tuple;
      }
    }

    async put(
      config: RunnableConfig,
      checkpoint: Checkpoint,
      metadata: CheckpointMetadata,
      newVersions: ChannelVersions,
    ): Promise<RunnableConfig> {
      if (!isThread(config)) throw foreign(config);
      const { checkpoint_ns: namespace = "", checkpoint_id: parent } = configurableOf(config);
      const { v, id, ts, channel_versions, versions_seen, channel_values } = checkpoint;
      const changed = await this.#stored.encodeAll(pick(channel_values, (name) => Object.hasOwn(newVersions, name) && !isInternal(name)));
      const own = await this.#stored.encodeAll(pick(channel_values, isInternal));
      const bytes = [...Object.values(changed), ...Object.values(own)].reduce((sum, each) => sum + each.bytes, 0);
      checkSize(bytes, "a superstep's change of the state");
      const [values, internal] = [jsonOf(changed), jsonOf(own)];
      await onState?.(namespace, values);
      await checkpoints.put({
        id,
        namespace,
        parent,
        format: `langgraph/${v}`,
        versions: texts(pick(channel_versions, (name) => !isInternal(name))),
        values,
        data: {
          checkpoint: { v, id, ts, channel_versions, versions_seen },
          metadata: (await this.#stored.encode(metadata)).json,
          internal,
        },
      });
      return { configurable: { thread_id: threadId, checkpoint_ns: namespace, checkpoint_id: id } };
    }

    putWrites(config: RunnableConfig, writes: PendingWrite[], taskId: string, taskPath = ""): Promise<void> {
      const written = this.#putWrites(config, writes.map(withList), `${taskPath}${separator}${taskId}`);
      written.catch((error: unknown) => onFailure?.(error));
      return written;
    }

    async #putWrites(config: RunnableConfig, writes: readonly PendingWrite[], task: string): Promise<void> {
      if (!isThread(config)) throw foreign(config);
      const { checkpoint_ns: namespace = "", checkpoint_id: checkpoint } = configurableOf(config);
      if (!checkpoint) throw new WeftlineError("INTERNAL", {}, { cause: new Error("writes without a checkpoint") });
      noteAnswered(writes);
      const encoded: CheckpointWrite[] = [];
      let written = 0;
      for (const [place, [channel, value]] of writes.entries()) {
        const stored = await this.#stored.encode(value);
        // One by one: a node may send the state to a thousand others.
        checkSize((written += stored.bytes), "what a node writes");
        encoded.push({ task, index: WRITES_IDX_MAP[channel] ?? place, channel, value: stored.json });
      }
      // What a task wrote last is all that it wrote: it is no longer interrupted, whatever came of it.
      if (this.#interrupted.delete(task))
        encoded.unshift({ task, index: WRITES_IDX_MAP[interruptChannel] ?? -3, channel: interruptChannel, value: [] });
      if (writes.some(([channel]) => channel === interruptChannel)) this.#interrupted.add(task);
      await checkpoints.putWrites({ namespace, checkpoint }, encoded);
    }

    /** The platform forgets a run's checkpoints with the run. */
    async deleteThread(): Promise<void> {
      throw new WeftlineError("FORBIDDEN", { message: "Checkpoints go with their run." });
    }

    override getNextVersion(current: string | undefined): string {
      const number = current === undefined ? 0 : Number.parseInt(String(current), 10);
      // Two branches that leave one checkpoint count alike and must not meet.
      return `${String(number + 1).padStart(12, "0")}.${crypto.randomUUID().slice(0, 8)}`;
    }

    async #tuple(stored: StoredCheckpoint): Promise<CheckpointTuple> {
      if (!/^langgraph\/[1-4]$/.test(stored.format))
        throw new WeftlineError("UNAVAILABLE", {
          what: "The checkpoint",
          reason: `it was written as ${stored.format}, which this version cannot read.`,
          fix: "Start a new run.",
        });
      const { checkpoint, metadata, internal } = stored.data as Data;
      const at = { thread_id: threadId, checkpoint_ns: stored.namespace };
      const channel_values = await this.#stored.decodeAll({ ...stored.values, ...internal });
      const tuple: CheckpointTuple = {
        config: { configurable: { ...at, checkpoint_id: stored.id } },
        checkpoint: { ...checkpoint, channel_versions: { ...checkpoint.channel_versions }, channel_values },
        metadata: (await this.#stored.decode(metadata)) as CheckpointMetadata,
        pendingWrites: await this.#writes(stored),
      };
      if (checkpoint.v < 4) await this.#addSends(tuple.checkpoint, stored);
      if (stored.parent === undefined) return tuple;
      return { ...tuple, parentConfig: { configurable: { ...at, checkpoint_id: stored.parent } } };
    }

    #writes({ writes }: StoredCheckpoint): Promise<[string, string, unknown][]> {
      const theirs = writes.filter(({ channel }) => !channel.startsWith(ownChannels));
      return Promise.all(
        theirs.map(async ({ task, channel, value }): Promise<[string, string, unknown]> => {
          if (channel === interruptChannel && interruptsOf(value).length > 0) this.#interrupted.add(task);
          return [task.slice(task.indexOf(separator) + 1), channel, await this.#stored.decode(value)];
        }),
      );
    }

    /**
     * Up to their third version checkpoints kept what was sent among the writes of their parent; LangGraph 0.2 and 0.3 want it as a list. They take
     * a channel that they do not know for one that changed, and would stop at a breakpoint again: it is there only where something was sent, as
     * one that breakpoints have seen.
     */
    async #addSends(checkpoint: Checkpoint & { pending_sends?: unknown[] }, { namespace, parent }: StoredCheckpoint): Promise<void> {
      const before = parent === undefined ? undefined : await checkpoints.get({ namespace, id: parent });
      const sends = before ? (await this.#writes(before)).flatMap(([, channel, value]) => (channel === TASKS ? [value] : [])) : [];
      checkpoint.pending_sends = sends;
      if (sends.length === 0) return;
      const versions = Object.values(checkpoint.channel_versions);
      checkpoint.channel_values[TASKS] = sends;
      const version = versions.length > 0 ? maxChannelVersion(...versions) : this.getNextVersion(undefined);
      checkpoint.channel_versions[TASKS] = version;
      checkpoint.versions_seen = {
        ...checkpoint.versions_seen,
        [interruptChannel]: { ...checkpoint.versions_seen[interruptChannel], [TASKS]: version },
      };
    }
  }

  const isThread = (config: RunnableConfig): boolean => configurableOf(config).thread_id === threadId;
  return new PlatformSaver();
}

/** How channels begin in which the platform notes something of its own. */
export const ownChannels = "weftline.";

/** The channel in which LangGraph notes that a task waits. */
export const interruptChannel = "__interrupt__";
const resumeChannel = "__resume__";

/** Up to LangGraph 1.4 a single interrupt is written as it is, later ones as a list. */
function withList(write: PendingWrite): PendingWrite {
  const [channel, value] = write;
  return channel === interruptChannel ? [channel, interruptsOf(value)] : write;
}

/** The interrupts of a write, in whichever shape a version of LangGraph wrote them. */
export function interruptsOf(value: unknown): StoredInterrupt[] {
  return [value].flat().filter((each): each is StoredInterrupt => typeof each === "object" && each !== null);
}

/** Each interrupt is noted where it was raised before it is noted in the graphs around that. */
function noteAnswered(writes: readonly PendingWrite[]): void {
  const interrupts = interruptsOf(writes.find(([channel]) => channel === interruptChannel)?.[1]);
  const answers = writes.filter(([channel]) => channel === resumeChannel).at(-1)?.[1];
  for (const interrupt of interrupts) interrupt.answered ??= Array.isArray(answers) ? answers.length : answers == null ? 0 : 1;
}

interface Configurable {
  readonly thread_id?: string;
  readonly checkpoint_ns?: string;
  readonly checkpoint_id?: string;
}

function configurableOf(config: RunnableConfig): Configurable {
  return (config.configurable ?? {}) as Configurable;
}

function foreign(config: RunnableConfig): WeftlineError {
  const thread = String(configurableOf(config).thread_id);
  return new WeftlineError("INTERNAL", {}, { cause: new Error(`a checkpoint of the thread ${thread} is not for this run`) });
}

function jsonOf(encoded: Readonly<Record<string, Encoded>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(encoded).map(([name, { json }]) => [name, json]));
}

function checkSize(bytes: number, what: string): void {
  if (bytes <= mostStateBytes) return;
  throw new WeftlineError("STATE_REFUSED", { problem: `${what} is more than ${mostStateBytes / 2 ** 20} MiB` });
}

function pick<Value>(values: Readonly<Record<string, Value>>, which: (name: string) => boolean): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => which(name)));
}

function texts(versions: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, String(version)]));
}
