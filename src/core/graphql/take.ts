import type { MaybePromise } from "../kernel/spec.ts";

/**
 * An iterator that gives at once what is at hand. A promise an event, and another for each layer that the event passes, are most of what a fast
 * stream costs; here they are paid only by who has nothing to do anyway.
 */
export interface Takeable<T> extends AsyncIterableIterator<T> {
  /** The next step if it is at hand. */
  take(): IteratorResult<T> | undefined;
  /** Resolves when it is worth while to take again; rejects with what the source failed with. */
  ready(): Promise<void>;
  /**
   * `"same"` where every reader is given the same objects, which nobody changes: what was made of one for somebody is good for another who asks
   * the same. An argument `after` may not matter to what is made of an event.
   */
  readonly events?: "same" | undefined;
}

/** Any iterator as one that is taken from. */
export function takeable<T>(source: AsyncIterator<T>): Takeable<T> {
  return "take" in source ? (source as Takeable<T>) : new Awaited(source);
}

/** The next step of what is taken from, as an iterator gives it. */
export async function nextOf<T>(source: Takeable<T>): Promise<IteratorResult<T>> {
  for (;;) {
    const step = source.take();
    if (step) return step;
    await source.ready();
  }
}

/** Gives what its iterator promised. */
class Awaited<T> implements Takeable<T> {
  readonly #source: AsyncIterator<T>;
  #step: IteratorResult<T> | undefined;

  constructor(source: AsyncIterator<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  take(): IteratorResult<T> | undefined {
    const step = this.#step;
    this.#step = undefined;
    return step;
  }

  async ready(): Promise<void> {
    this.#step = await this.#source.next();
  }

  next(): Promise<IteratorResult<T>> {
    return nextOf(this);
  }

  async return(): Promise<IteratorResult<T>> {
    return (await this.#source.return?.()) ?? { value: undefined, done: true };
  }
}

/** What is made of a value, at once where the value is at hand. */
export function whenKnown<T, U>(value: MaybePromise<T>, make: (value: T) => U): MaybePromise<U> {
  return isPending(value) ? value.then(make) : make(value);
}

/** Whether something is still to come. Not each promise is one of the platform. */
export function isPending<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
