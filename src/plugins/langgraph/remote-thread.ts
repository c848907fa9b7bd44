import { setTimeout as pause } from "node:timers/promises";
import { WeftlineError, messageOf, type RunContext } from "#weftline";
import { brokeOff } from "#plugins/openai";
import type { RemoteSource } from "./config.ts";
import { nodeFailed } from "./node-failure.ts";
import type { RemoteAnswers } from "./remote-answers.ts";
import type { RemoteChunk } from "./remote-events.ts";
import { isOpen, type RemoteRun } from "./remote-run.ts";
import type { StoredInterrupt } from "./saver.ts";

/** A graph on a LangGraph server. */
export interface RemoteTarget {
  readonly source: RemoteSource;
  readonly graph: string;
}

/** How a thread stands on its server. */
export interface RemoteState {
  readonly values: Readonly<Record<string, unknown>>;
  readonly next: readonly string[];
  readonly config: { readonly configurable?: { readonly checkpoint_id?: string } };
  readonly tasks: readonly {
    readonly interrupts: readonly (StoredInterrupt & { readonly interrupt_id?: string })[];
    /** How a graph within the graph stands; no more than where it is, of one that has not begun. */
    readonly state?: RemoteState | { readonly configurable: object };
  }[];
}

/** The parts of `RemoteGraph` and its client that are used. */
interface Remote {
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>;
  getState(config: object, options: { readonly subgraphs: boolean }): Promise<RemoteState>;
  readonly client: {
    readonly runs: {
      stream(threadId: string, graph: string, payload: object): AsyncIterable<{ readonly event: string; readonly data: unknown }>;
      list(threadId: string, page: { readonly limit: number }): Promise<readonly RemoteRun[]>;
      cancel(threadId: string, runId: string, wait: boolean): Promise<unknown>;
    };
  };
}

/** The most runs that a thread is expected to have: one a turn. */
const mostRuns = 1_000;
/** How long a failure waits for the end of what is left at work, in milliseconds: the server may be gone. */
const patienceMs = 2_000;
/** How often, and after how many milliseconds each time, it is asked whether a run has ended: its stream may have told so a little earlier. */
const lookAgain = { times: 10, ms: 50 } as const;

/** A run's thread on a LangGraph server. What goes wrong there is told as a failure of a provider. */
export class RemoteThread {
  readonly #remote: Remote;
  readonly #target: RemoteTarget;
  readonly #ctx: RunContext;
  readonly #answers: RemoteAnswers;
  readonly #config: { readonly configurable: { readonly thread_id: string } };
  /** The run there that this turn has begun, as soon as the server has told it. */
  #own: string | undefined;
  /** Another attempt may have begun, which sees to the thread by itself. */
  #over = false;

  private constructor(remote: Remote, target: RemoteTarget, ctx: RunContext, answers: RemoteAnswers) {
    this.#remote = remote;
    this.#target = target;
    this.#ctx = ctx;
    this.#answers = answers;
    this.#config = { configurable: { thread_id: ctx.runId } };
  }

  static async open(target: RemoteTarget, ctx: RunContext, answers: RemoteAnswers): Promise<RemoteThread> {
    const { RemoteGraph } = await import("@langchain/langgraph/remote");
    const { url, apiKey } = target.source;
    // Without null the client would look for a key in the environment.
    const remote = new RemoteGraph({ graphId: target.graph, url, apiKey: apiKey ?? (null as unknown as string) });
    const thread = new RemoteThread(remote as unknown as Remote, target, ctx, answers);
    thread.#listen();
    return thread;
  }

  /** `RemoteGraph` does not say which run it has begun. */
  #listen(): void {
    const { runs } = this.#remote.client;
    const stream = runs.stream.bind(runs);
    const own = (id: string) => (this.#own = id);
    runs.stream = async function* (threadId, graph, payload) {
      // A run that the server cancelled by itself would look like one that stopped.
      for await (const chunk of stream(threadId, graph, { ...payload, onDisconnect: "continue" })) {
        if (chunk.event === "metadata") own((chunk.data as RemoteRun).run_id);
        yield chunk;
      }
    };
  }

  /** Nothing where the thread has not begun; it may be there, with a run that was cancelled before it began. */
  state(): Promise<RemoteState | undefined> {
    return this.#asked(async () => {
      const state = await orNothing([404], this.#remote.getState(this.#config, { subgraphs: true }));
      return state?.config.configurable?.checkpoint_id == null ? undefined : state;
    });
  }

  /** The thread's runs, when what ends by itself has ended, or when it does not. */
  settle(): Promise<readonly RemoteRun[]> {
    return this.#asked(async () => {
      let runs = await this.#runs();
      for (let times = 0; times < lookAgain.times && runs.some(isOpen); times++) {
        await pause(lookAgain.ms, undefined, { signal: this.#ctx.signal });
        runs = await this.#runs();
      }
      return runs;
    });
  }

  /** Ends what a lost process, or this one, has left at work in the thread. @returns the thread's runs. */
  cancel(runs: readonly RemoteRun[]): Promise<readonly RemoteRun[]> {
    const open = runs.filter((run) => isOpen(run) && (this.#own === undefined || run.run_id === this.#own));
    if (open.length === 0 || this.#over) return Promise.resolve(runs);
    return this.#asked(async () => {
      await this.#answers.cancelling(open);
      // It may have ended in between, or be gone.
      await Promise.all(
        open.map(({ run_id }) => orNothing([404, 409, 422], this.#remote.client.runs.cancel(this.#ctx.runId, run_id, true))),
      );
      return this.#runs();
    });
  }

  /** Runs the graph on and tells what the server streams of it. */
  async *stream(input: unknown): AsyncGenerator<RemoteChunk> {
    const { signal, limits } = this.#ctx;
    const how = { signal, streamMode: ["messages", "updates", "values", "custom"], subgraphs: true, recursionLimit: limits.maxSteps };
    try {
      for await (const chunk of await this.#remote.stream(input, { ...this.#config, ...how })) yield chunk as RemoteChunk;
    } catch (error) {
      if (isInterrupt(error)) return;
      const failure = this.#failure(error);
      if (!signal.aborted) {
        await Promise.race([this.#abandon(() => this.settle()), pause(patienceMs)]);
        this.#over = !signal.aborted;
      }
      throw failure;
    } finally {
      if (signal.aborted && !isFenced(signal.reason)) void this.#abandon(() => this.#runs());
    }
  }

  /** The server would go on by itself, and nobody would hear of it. */
  async #abandon(look: () => Promise<readonly RemoteRun[]>): Promise<void> {
    try {
      await this.cancel(await look());
    } catch (error) {
      this.#ctx.log.warn({ err: error }, "a run on a LangGraph server was not cancelled");
    }
  }

  /** The stream of a run ended before the run did. */
  truncated(): WeftlineError {
    return new WeftlineError("STREAM_TRUNCATED", { provider: this.#provider, plugin: "langgraph" });
  }

  get #provider(): string {
    return new URL(this.#target.source.url).host;
  }

  async #runs(): Promise<readonly RemoteRun[]> {
    return (await orNothing([404], this.#remote.client.runs.list(this.#ctx.runId, { limit: mostRuns }))) ?? [];
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    const { signal } = this.#ctx;
    if (signal.aborted) return signal.reason;
    if (error instanceof WeftlineError) return error;
    const { source, graph } = this.#target;
    const status = statusOf(error);
    const said = messageOf(error).slice(0, 300);
    const problem = source.apiKey ? said.replaceAll(source.apiKey, "[secret]") : said;
    const details = { provider: this.#provider, plugin: "langgraph", status, problem };
    if (status === 401 || status === 403) return new WeftlineError("PROVIDER_AUTH", { ...details, retryable: false });
    if (status === 429) return new WeftlineError("PROVIDER_RATE_LIMITED", details);
    if (status !== undefined && status >= 500) return new WeftlineError("PROVIDER_FAILED", details);
    if (status !== undefined) return new WeftlineError("PROVIDER_REJECTED", details);
    if (error instanceof Error && error.name === "RemoteException") return nodeFailed(graph, problem);
    const code = brokeOff(error) ? "CONNECTION_LOST" : "PROVIDER_UNREACHABLE";
    return new WeftlineError(code, details, error instanceof Error ? { cause: error } : {});
  }
}

async function orNothing<T>(statuses: readonly number[], asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** What is at work on the server is another worker's. */
function isFenced(reason: unknown): boolean {
  return reason instanceof WeftlineError && reason.code === "RUN_FENCED";
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Error && (error.name === "GraphInterrupt" || error.name === "NodeInterrupt");
}

function statusOf(error: unknown): number | undefined {
  return typeof error === "object" && error !== null && "status" in error && typeof error.status === "number" ? error.status : undefined;
}
