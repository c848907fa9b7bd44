import { setTimeout as pause } from "node:timers/promises";
import { WeftlineError, messageOf, type RunContext } from "#weftline";
import { brokeOff } from "#plugins/openai";
import type { RemoteSource } from "./config.ts";
import { nodeFailed } from "./node-failure.ts";
import type { RemoteChunk } from "./remote-events.ts";
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
  readonly tasks: readonly { readonly interrupts: readonly (StoredInterrupt & { readonly interrupt_id?: string })[] }[];
}

interface RemoteRun {
  readonly run_id: string;
  readonly status: string;
}

/** The parts of `RemoteGraph` and its client that are used. */
interface Remote {
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>;
  getState(config: object): Promise<RemoteState>;
  readonly client: {
    readonly runs: {
      list(threadId: string, page: { readonly limit: number }): Promise<readonly RemoteRun[]>;
      cancel(threadId: string, runId: string, wait: boolean): Promise<unknown>;
    };
  };
}

/** The most runs that a thread is expected to have: one a turn. */
const mostRuns = 1_000;
/** How long a failure waits for the end of what is left at work, in milliseconds: the server may be gone. */
const patienceMs = 2_000;

/** A run's thread on a LangGraph server. What goes wrong there is told as a failure of a provider. */
export class RemoteThread {
  readonly #remote: Remote;
  readonly #target: RemoteTarget;
  readonly #ctx: RunContext;
  readonly #config: { readonly configurable: { readonly thread_id: string } };

  private constructor(remote: Remote, target: RemoteTarget, ctx: RunContext) {
    this.#remote = remote;
    this.#target = target;
    this.#ctx = ctx;
    this.#config = { configurable: { thread_id: ctx.runId } };
  }

  static async open(target: RemoteTarget, ctx: RunContext): Promise<RemoteThread> {
    const { RemoteGraph } = await import("@langchain/langgraph/remote");
    const { url, apiKey } = target.source;
    // Without null the client would look for a key in the environment.
    const remote = new RemoteGraph({ graphId: target.graph, url, apiKey: apiKey ?? (null as unknown as string) });
    return new RemoteThread(remote as unknown as Remote, target, ctx);
  }

  /** Nothing where the thread has not begun. */
  state(): Promise<RemoteState | undefined> {
    return this.#asked(() =>
      this.#remote.getState(this.#config).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }),
    );
  }

  /** Ends what a lost process, or this one, has left at work in the thread. @returns how many runs the thread has had. */
  cancelRuns(): Promise<number> {
    return this.#asked(async () => {
      const runs = await this.#runs();
      const open = runs.filter(isOpen);
      await Promise.all(open.map(({ run_id }) => this.#remote.client.runs.cancel(this.#ctx.runId, run_id, true)));
      return runs.length;
    });
  }

  /** Whether something is at work in the thread. */
  working(): Promise<boolean> {
    return this.#asked(async () => (await this.#runs()).some(isOpen));
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
      if (!signal.aborted) await Promise.race([this.#abandon(), pause(patienceMs)]);
      throw failure;
    } finally {
      if (signal.aborted) void this.#abandon();
    }
  }

  /** The server would go on by itself, and nobody would hear of it. */
  async #abandon(): Promise<void> {
    try {
      await this.cancelRuns();
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

  #runs(): Promise<readonly RemoteRun[]> {
    return this.#remote.client.runs.list(this.#ctx.runId, { limit: mostRuns });
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

function isOpen({ status }: RemoteRun): boolean {
  return status === "pending" || status === "running";
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Error && (error.name === "GraphInterrupt" || error.name === "NodeInterrupt");
}

function statusOf(error: unknown): number | undefined {
  return typeof error === "object" && error !== null && "status" in error && typeof error.status === "number" ? error.status : undefined;
}
