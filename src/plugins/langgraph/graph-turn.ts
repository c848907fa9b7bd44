import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { RunControl } from "@langchain/langgraph";
import {
  WeftlineError,
  messageOf,
  type Database,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type StoredCheckpoint,
} from "#weftline";
import { ModelTurn } from "#plugins/langchain";
import { providerError, type LoadedFiles } from "#plugins/openai";
import { nodeFailed, stuckAt } from "./node-failure.ts";
import type { LangGraphOptions } from "./options.ts";
import { lastSaid, tellOutcome } from "./outcome.ts";
import { createSaver } from "./saver.ts";
import type { LangGraphSdk } from "./sdk.ts";
import { answersTo, breakpointOf, interruptsAt, isOfTool, mayGoOn, noteBreakpoint } from "./standing.ts";
import { createStore } from "./store.ts";
import { StoredFiles } from "./stored-files.ts";
import { StatePatches, wholeState } from "./state-patches.ts";
import { GraphEvents, type TaskMetadata } from "./events.ts";
import { graphHandler } from "./callbacks.ts";
import { ToolDesk } from "./tool-desk.ts";

/** A compiled graph, as far as a turn knows it. */
export interface RunnableGraph {
  stream(input: unknown, config: object): Promise<AsyncIterable<unknown>>;
  getState(config: RunnableConfig): Promise<GraphState>;
}

/** How a graph stands. */
interface GraphState {
  readonly values: unknown;
  /** The nodes that have not finished. */
  readonly next: readonly string[];
  readonly tasks?: readonly { readonly name: string; readonly interrupts?: readonly unknown[] }[];
}

/** How a graph is run. */
export interface GraphPlan {
  readonly graph: RunnableGraph;
  /** What it is given where it has not begun. */
  readonly input: unknown;
  readonly recursionLimit: number;
  /** Told to the graph's nodes as `config.configurable`. */
  readonly configurable?: Readonly<Record<string, unknown>>;
}

/** What a turn of a graph is made of. */
export interface GraphTurnParts {
  readonly sdk: LangGraphSdk;
  readonly request: RunRequest<LangGraphOptions>;
  readonly ctx: RunContext;
  readonly database: Database;
  /** Those of the conversation, loaded. */
  readonly files: LoadedFiles;
  /**
   * Whether what models ask for is told as they write it. Where a graph has tools of its own, or makes something else of the calls, they are told only
   * when the platform makes them.
   */
  readonly calls: "asWritten" | "asMade";
}

/** The run ends where the graph stopped. */
const rejected = Symbol("rejected");

/** One turn of a graph: what its nodes work with, and what the run hears of them. */
export class GraphTurn {
  readonly sdk: LangGraphSdk;
  readonly request: RunRequest<LangGraphOptions>;
  readonly ctx: RunContext;
  readonly desk: ToolDesk;
  readonly models: ModelTurn;
  /** The conversation as the graph's messages. */
  readonly conversation: BaseMessage[];
  readonly #events: GraphEvents;
  readonly #modelCalls = new Map<string, number>();
  readonly #parts: GraphTurnParts;
  readonly #files: StoredFiles;
  #said: string | undefined;

  constructor(parts: GraphTurnParts) {
    const { sdk, request, ctx, calls, files } = parts;
    this.sdk = sdk;
    this.request = request;
    this.ctx = ctx;
    this.#parts = parts;
    this.desk = new ToolDesk(sdk, ctx);
    this.models = new ModelTurn({
      sdk,
      ctx: calls === "asWritten" ? ctx : { ...ctx, toolRequested: () => {}, toolArguments: () => {} },
      plugin: "langgraph",
      options: request.options,
      outputSchema: request.outputSchema,
      conversation: request.messages,
      calls: this.desk,
      told: calls,
      nameCall: (metadata) => this.#nameCall(metadata),
    });
    this.conversation = this.models.messages(request.messages, files);
    this.#files = new StoredFiles(files);
    this.#events = new GraphEvents(this.#files);
    this.#said = lastSaid(request, ctx);
  }

  /**
   * Runs a graph from where the run stands to its end, or to where it waits for a person.
   *
   * @throws RUN_SUSPENDED where it waits.
   */
  async *run({ graph, input, recursionLimit, configurable }: GraphPlan): AsyncGenerator<RunEventBody> {
    const { ctx, sdk } = this;
    const standing = await ctx.checkpoints.get({});
    const begin = standing ? await this.#goOn(standing) : input;
    if (begin === rejected) return;
    // Whoever follows a run that starts from a checkpoint of another knows nothing of the state yet.
    if (standing && standing.parent === undefined) yield wholeState(standing.values);
    const patches = new StatePatches(sdk, standing?.values ?? {});
    const saver = createSaver({
      sdk,
      threadId: ctx.runId,
      checkpoints: ctx.checkpoints,
      files: this.#files,
      onState: async (namespace, changed) => {
        if (namespace === "") await this.models.exchange.say(() => patches.changed(changed));
      },
      onFailure: (error) => this.models.exchange.fail(error),
    });
    const config = {
      // Lent by the config and not set at the graph: one graph may run for many at once.
      configurable: { ...configurable, thread_id: ctx.runId, __pregel_checkpointer: saver },
      callbacks: [graphHandler(sdk, this.#events, this.models.exchange), this.models.handler],
      recursionLimit,
      store: createStore(sdk, this.#parts.database, ctx.runId),
      durability: "sync",
      streamMode: ["custom"],
      subgraphs: true,
    };
    yield* this.#heard(
      this.models.events((signal) => this.#drainable((control) => this.#work(graph, begin, { ...config, signal, control }))),
    );
    const { values, next, tasks } = await graph.getState(config);
    await this.#checkWaiting(next, tasks);
    if (next.length > 0) await this.#stopAt(next);
    yield* tellOutcome(values as Readonly<Record<string, unknown>>, this.request.options.output, this.#said);
  }

  /** What a graph that has begun is given: the answers to what it asked, or nothing. */
  async #goOn(standing: StoredCheckpoint): Promise<unknown> {
    const asked = interruptsAt(standing).filter((interrupt) => !isOfTool(interrupt));
    const stopped = breakpointOf(standing);
    if (stopped && !(await mayGoOn(this.ctx, stopped.newest, stopped.next))) return rejected;
    if (asked.length === 0) return null;
    const answers = await answersTo(asked, this.ctx);
    // Old versions do not name an interrupt: the one that waits is given its answer.
    const [unnamed] = asked.length === 1 && asked[0]?.id === undefined ? Object.values(answers) : [];
    return new this.sdk.graph.Command({ resume: unnamed ?? answers });
  }

  /** Lends what stops a graph after the superstep under way, with its checkpoint saved, when the platform closes. */
  async #drainable(work: (control: RunControl) => Promise<void>): Promise<void> {
    const { drain } = this.ctx;
    const control = new this.sdk.graph.RunControl();
    const stop = (): void => control.requestDrain();
    if (drain.aborted) stop();
    drain.addEventListener("abort", stop, { once: true });
    await work(control).finally(() => drain.removeEventListener("abort", stop));
  }

  async #work(graph: RunnableGraph, input: unknown, config: object): Promise<void> {
    try {
      for await (const chunk of await graph.stream(input, config)) {
        const [namespace, , data] = chunk as readonly [readonly string[], string, unknown];
        await this.models.exchange.say(() => [{ kind: "custom", name: "langgraph.custom", data: { namespace, data } }]);
      }
    } catch (error) {
      await this.desk.idle();
      throw this.#failure(error, config);
    }
  }

  #failure(error: unknown, config: { readonly recursionLimit?: number }): unknown {
    if (error instanceof this.sdk.graph.GraphRecursionError)
      return new WeftlineError("RUN_LIMIT", { limit: `${config.recursionLimit} supersteps` });
    if (this.sdk.graph.isGraphDrained(error)) return this.ctx.drain.reason;
    if (error instanceof WeftlineError || this.ctx.signal.aborted) return error;
    const { sdk } = this.sdk.openai;
    if (error instanceof sdk.APIError)
      return providerError(error, sdk, { provider: "the graph's own model", plugin: "langgraph", secrets: [] });
    return nodeFailed(this.#events.failed ?? "graph", messageOf(error), error);
  }

  /** @throws RUN_SUSPENDED where the graph waits, after everything that it asks was asked. */
  async #checkWaiting(next: readonly string[], tasks: GraphState["tasks"] = []): Promise<void> {
    const now = await this.ctx.checkpoints.get({});
    const interrupts = now ? interruptsAt(now) : [];
    if (!now || interrupts.length === 0) return;
    const asked = answersTo(
      interrupts.filter((interrupt) => !isOfTool(interrupt)),
      this.ctx,
    );
    // Beside what asks, what has not finished was compiled to stop within: the answers would let it go on too.
    const stopped = [...next];
    for (const { name, interrupts: own = [] } of tasks)
      if (own.length > 0 && stopped.includes(name)) stopped.splice(stopped.indexOf(name), 1);
    const all = await Promise.allSettled([asked, stopped.length > 0 ? this.#askToGoOn(now, stopped) : undefined]);
    for (const each of all) if (each.status === "rejected") throw each.reason;
    throw new WeftlineError("RUN_SUSPENDED");
  }

  async #askToGoOn(now: StoredCheckpoint, next: readonly string[]): Promise<boolean> {
    const { newest } = await noteBreakpoint(this.ctx, now, next);
    return mayGoOn(this.ctx, newest, next);
  }

  /**
   * @throws RUN_SUSPENDED, after a person was asked whether to go on: the graph was compiled to stop here.
   * @throws NODE_FAILED where that was approved, and the graph has not gone on.
   */
  async #stopAt(next: readonly string[]): Promise<void> {
    const now = await this.ctx.checkpoints.get({});
    if (!now) throw nodeFailed(next.join(", "), "the graph stopped before it, and nothing of the graph was saved to go on from.");
    // A node that runs saves a new checkpoint, which gets a question of its own. This one was approved, and nothing has run since.
    if (await this.#askToGoOn(now, next)) throw stuckAt(next);
  }

  /** Takes note of what models say, to tell it from what the graph says otherwise. */
  async *#heard(events: AsyncIterable<RunEventBody>): AsyncGenerator<RunEventBody> {
    const texts = new Map<string, string>();
    for await (const event of events) {
      if (event.kind === "message.delta" && event.channel === "TEXT")
        texts.set(event.message, (texts.get(event.message) ?? "") + event.text);
      if (event.kind === "message.finished" && event.status === "COMPLETE") this.#said = texts.get(event.message) ?? "";
      yield event;
    }
  }

  #nameCall(metadata: TaskMetadata): { readonly key: string; readonly parent?: string } {
    const parent = this.#events.keyOf(metadata);
    const place = parent ?? "graph";
    const number = (this.#modelCalls.get(place) ?? 0) + 1;
    this.#modelCalls.set(place, number);
    return { key: `${place}/model/${number}`, ...(parent === undefined ? {} : { parent }) };
  }
}
