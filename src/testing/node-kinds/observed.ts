import { inspect } from "node:util";
import { WeftlineError } from "../../core/errors.ts";
import type { AnySpec, Logger, PluginEntry, PluginList, SetupContext } from "../../core/kernel/spec.ts";
import { workflowNodes, type NodeContext, type WorkflowNodeKind } from "../../plugins/workflows/contract.ts";
import { countedSignal, type CountedSignal } from "./counted-signal.ts";
import { nothingBegun, type Began, type ResourceWatch } from "./open-resources.ts";

/** One call of a kind's `run`. */
export interface ObservedCall {
  readonly runId: string;
  readonly attempt: number;
  readonly idempotencyKey: string;
  /** What it asked of its context, in order. */
  readonly asked: readonly string[];
  readonly began: Began;
  /** What it wrote to its log. */
  readonly logged: readonly string[];
  /** Whether it was told that it has to wait. */
  readonly suspended: boolean;
  /** What came of it, once it has ended. */
  readonly outcome: { readonly output: unknown } | { readonly error: unknown } | undefined;
  /** Listeners that it left on its signal. */
  readonly listeners: number;
}

/** Sees what a kind of node does while real runs use it. */
export class KindObserver {
  readonly calls: ObservedCall[] = [];
  readonly kind: string;
  readonly #watch: ResourceWatch;
  #found: WorkflowNodeKind | undefined;
  #lost = false;

  constructor(kind: string, watch: ResourceWatch) {
    this.kind = kind;
    this.#watch = watch;
  }

  /** The kind itself. @throws where no plugin brings it. */
  get found(): WorkflowNodeKind {
    if (!this.#found) throw new Error(`No plugin brings the kind of node "${this.kind}".`);
    return this.#found;
  }

  /** From now on what it comes to reaches nobody, as when its process is lost at that moment. */
  loseOutcomes(): void {
    this.#lost = true;
  }

  /** Plugins whose contribution of the kind is observed. */
  async observed(list: PluginList): Promise<PluginList> {
    const given = await list;
    if (Array.isArray(given)) return Promise.all((given as readonly PluginList[]).map((each) => this.observed(each)));
    if (!given) return given;
    const entry = given as PluginEntry;
    return { ...entry, spec: this.#specOf(entry.spec) };
  }

  #specOf(spec: AnySpec): AnySpec {
    const { contributes = [], setup } = spec;
    return {
      ...spec,
      contributes: contributes.map((each) => ({ ...each, value: this.#valueOf(each.point, each.value) })),
      ...(setup && { setup: (ctx) => setup(this.#contextOf(ctx) as never) }),
    };
  }

  #contextOf(ctx: SetupContext): SetupContext {
    return { ...ctx, contribute: (point, key, value) => ctx.contribute(point, key, this.#valueOf(point.id, value) as never) };
  }

  #valueOf(point: string, value: unknown): unknown {
    const kind = value as WorkflowNodeKind;
    if (point !== workflowNodes.id || kind.kind !== this.kind) return value;
    this.#found = kind;
    return { ...kind, run: (ctx: NodeContext, config: unknown) => this.#run(kind, ctx, config) };
  }

  #run(kind: WorkflowNodeKind, ctx: NodeContext, config: unknown): unknown {
    const call = new Call(ctx, this.#watch);
    this.calls.push(call);
    const given = call.watched(() => kind.run(call.context(), config));
    const isLost = this.#lost;
    if (!(given instanceof Promise)) return isLost ? new Promise(() => {}) : given;
    // What waits is not over, and is told as ever.
    return isLost ? given.then(() => new Promise(() => {})) : given;
  }
}

class Call implements ObservedCall {
  readonly asked: string[] = [];
  readonly logged: string[] = [];
  readonly began = nothingBegun();
  suspended = false;
  outcome: ObservedCall["outcome"];
  readonly #ctx: NodeContext;
  readonly #watch: ResourceWatch;
  #signal: CountedSignal | undefined;

  constructor(ctx: NodeContext, watch: ResourceWatch) {
    this.#ctx = ctx;
    this.#watch = watch;
  }

  get runId(): string {
    return this.#ctx.runId;
  }

  get attempt(): number {
    return this.#ctx.attempt;
  }

  get idempotencyKey(): string {
    return this.#ctx.idempotencyKey;
  }

  get listeners(): number {
    return this.#signal?.listeners() ?? 0;
  }

  /** Runs the kind and notes its outcome. */
  watched(run: () => unknown): unknown {
    const failed = (error: unknown): never => {
      this.outcome = { error };
      throw error;
    };
    const ended = (output: unknown): unknown => {
      this.outcome = { output };
      return output;
    };
    try {
      const given = this.#watch.during(this.began, run);
      return given instanceof Promise ? given.then(ended, failed) : ended(given);
    } catch (error) {
      return failed(error);
    }
  }

  /** The real context, with what is asked of it noted. */
  context(): NodeContext {
    const ctx = this.#ctx;
    const signal = (): AbortSignal => (this.#signal ??= this.#watch.outside(() => countedSignal(ctx.signal))).signal;
    const asking =
      <Args extends readonly unknown[], Answer>(name: string, ask: (...args: Args) => Promise<Answer>) =>
      async (...args: Args): Promise<Answer> => {
        this.asked.push(`${name} ${JSON.stringify(args)}`);
        try {
          return await this.#watch.outside(() => ask(...args));
        } catch (error) {
          if (error instanceof WeftlineError && error.code === "RUN_SUSPENDED") this.suspended = true;
          throw error;
        }
      };
    return {
      runId: ctx.runId,
      key: ctx.key,
      attempt: ctx.attempt,
      idempotencyKey: ctx.idempotencyKey,
      get signal() {
        return signal();
      },
      log: this.#logOf(ctx.log),
      callTool: asking("callTool", (name, args) => ctx.callTool(name, args)),
      runChild: asking("runChild", (request) => ctx.runChild(request)),
      ask: asking("ask", (question) => ctx.ask(question)),
      wait: asking("wait", (until) => ctx.wait(until)),
      signalled: asking("signalled", (name) => ctx.signalled(name)),
    };
  }

  #logOf(log: Logger): Logger {
    const level =
      (name: "debug" | "info" | "warn" | "error") =>
      (fields: object, message?: string): void => {
        this.logged.push(`${inspect(fields, { depth: 10 })} ${message ?? ""}`);
        log[name](fields, message);
      };
    const [debug, info, warn, error] = [level("debug"), level("info"), level("warn"), level("error")];
    return { debug, info, warn, error, child: (bindings) => this.#logOf(log.child(bindings)) };
  }
}
