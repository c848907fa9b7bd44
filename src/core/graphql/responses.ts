import { execute } from "@graphql-tools/executor";
import { type GraphQLError, createSourceEventStream, validateSubscriptionArgs, type ExecutionArgs, type ExecutionResult } from "graphql";
import { WeftlineError } from "../errors.ts";
import type { MaybePromise } from "../kernel/spec.ts";
import type { SharedText } from "./shared-texts.ts";
import { takeable, whenKnown, type Takeable } from "./take.ts";

/** How what a subscription answers is made fit to be seen. */
export interface Shown {
  result(result: ExecutionResult): ExecutionResult;
  error(error: unknown): unknown;
}

/** What a subscription needs beyond its arguments. */
export interface ResponseOptions {
  readonly shown: Shown;
  /** Aborts when the reader may stay no longer: what it waits for ends, and it is told why, once. */
  readonly stays: AbortSignal | undefined;
  /** Joins those who ask the same; called only where the source gives all of them the same events. */
  readonly share: () => SharedText;
  /** Counts it while it is open. */
  readonly counters: { subscriptions: number };
}

/**
 * Subscribes. Each event of the source is executed by the pipeline's own executor.
 *
 * @returns the responses, or the errors with which the source refused.
 */
export async function openResponses(args: ExecutionArgs, options: ResponseOptions): Promise<ExecutionResult | Responses> {
  const valid = validateSubscriptionArgs(args);
  if (!("schema" in valid)) return { errors: valid.map(refused) };
  const source = await createSourceEventStream(valid);
  return Symbol.asyncIterator in source ? new Responses(args, source[Symbol.asyncIterator](), options) : source;
}

/** Variables that do not fit are the fault of who sent them, over HTTP too. */
function refused(error: GraphQLError): GraphQLError {
  Object.assign(error.extensions, { code: "BAD_USER_INPUT", http: { status: 400 } });
  return error;
}

const end = { value: undefined, done: true } as const;

/** The responses of one subscription: as results, or, for a transport that sends JSON, as texts that may be another's too. */
export class Responses implements AsyncIterableIterator<ExecutionResult> {
  readonly #args: ExecutionArgs;
  readonly #source: Takeable<unknown>;
  readonly #shown: Shown;
  readonly #shared: SharedText | undefined;
  readonly #stays: AbortSignal | undefined;
  readonly #counters: { subscriptions: number };
  /** It has ended, failed or been left: then there is nothing more, whatever the source would say. */
  #over = false;

  constructor(args: ExecutionArgs, source: AsyncIterator<unknown>, { shown, stays, share, counters }: ResponseOptions) {
    this.#args = args;
    this.#source = takeable(source);
    this.#shown = shown;
    this.#shared = this.#source.events === "same" ? share() : undefined;
    this.#stays = stays;
    this.#counters = counters;
    counters.subscriptions++;
    stays?.addEventListener("abort", () => void this.#source.return?.(), { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    for (;;) {
      const result = this.#take((event) => this.#respond(event));
      if (result === "over") return end;
      if (result !== undefined) return { value: await result, done: false };
      await this.ready();
    }
  }

  /** The next response as JSON if its event is at hand; a promise where a resolver has yet to answer. */
  takeText(): MaybePromise<string> | "over" | undefined {
    return this.#take((event) => this.#textOf(event));
  }

  /** Resolves when it is worth while to take again. */
  ready(): Promise<void> {
    return this.#source.ready().catch((error: unknown) => this.#fail(error));
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    this.#leave();
    await this.#source.return?.();
    return end;
  }

  #take<T>(make: (event: unknown) => T): T | "over" | undefined {
    if (this.#over) return "over";
    try {
      if (this.#stays?.aborted) throw new WeftlineError("UNAUTHENTICATED");
      const step = this.#source.take();
      if (!step) return undefined;
      if (!step.done) return make(step.value);
      this.#leave();
      return "over";
    } catch (error) {
      return this.#fail(error);
    }
  }

  #textOf(event: unknown): MaybePromise<string> {
    if (!this.#shared) return whenKnown(this.#respond(event), JSON.stringify);
    return this.#shared.of(event, () => this.#respond(event));
  }

  #respond(event: unknown): MaybePromise<ExecutionResult> {
    return whenKnown(execute({ ...this.#args, rootValue: event }) as MaybePromise<ExecutionResult>, this.#shown.result);
  }

  #fail(error: unknown): never {
    this.#leave();
    throw this.#shown.error(error);
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#counters.subscriptions--;
    this.#shared?.leave();
  }
}
