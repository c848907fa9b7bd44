import { WeftlineError } from "../errors.ts";
import { nextOf, type Takeable } from "./take.ts";

/** An async iterator that is fed from outside; ends at once when its reader goes, wherever that reader waits. */
export interface Channel<T> extends Takeable<T> {
  push(value: T): void;
  /** Ends after what was pushed. */
  end(): void;
  /** Ends with an error after what was pushed. */
  fail(error: unknown): void;
  /** How many values wait for the reader. */
  readonly size: number;
  /** Drops what waits. */
  clear(): void;
}

/** How many values wait for a reader by default. */
const defaultLimit = 1_024;

/** How a channel is bounded. */
export interface ChannelOptions {
  /** How many values may wait for the reader: 1,024 by default. One more ends the channel with RATE_LIMITED, after those that wait. */
  readonly limit?: number;
}

/**
 * Makes a channel.
 *
 * @param onClose runs once, when the channel has ended, its reader has gone, or its reader has fallen behind.
 * @example
 * const channel = createChannel<number>(() => source.off(listener));
 * const listener = (value: number) => channel.push(value);
 */
export function createChannel<T>(onClose: () => void = () => {}, { limit = defaultLimit }: ChannelOptions = {}): Channel<T> {
  let source: "attached" | "released" = "attached";
  let waiting: (() => void) | undefined;
  let values: T[] = [];
  let at = 0;
  let state: "open" | "ending" | "closed" = "open";
  let failure: { readonly error: unknown } | undefined;
  const end = { value: undefined, done: true } as const;

  function close(): void {
    if (state === "closed") return;
    state = "closed";
    values = [];
    at = 0;
    release();
  }

  function release(): void {
    if (source === "released") return;
    source = "released";
    onClose();
  }

  function rouse(): void {
    const reader = waiting;
    waiting = undefined;
    reader?.();
  }

  function finish(): void {
    if (state !== "open") return;
    state = "ending";
    // Nobody may come who would learn of the end: what is to be done at the end is done now.
    if (at === values.length && waiting) close();
    rouse();
  }

  function take(): IteratorResult<T> | undefined {
    if (at < values.length) {
      const value = values[at++] as T;
      if (at === values.length) {
        values = [];
        at = 0;
      }
      return { value, done: false };
    }
    if (state === "open") return undefined;
    close();
    if (!failure) return end;
    const { error } = failure;
    failure = undefined;
    throw error;
  }

  const channel: Channel<T> = {
    take,
    ready: () => (at < values.length || state !== "open" ? Promise.resolve() : new Promise((resolve) => (waiting = resolve))),
    get size() {
      return values.length - at;
    },
    push(value) {
      if (state !== "open") return;
      if (values.length - at >= limit) {
        const fix = "Read faster, or subscribe again and read what was missed.";
        channel.fail(new WeftlineError("RATE_LIMITED", { what: `unread events (${limit})`, fix }));
        // A reader that never reads would hold its source for ever.
        release();
        return;
      }
      values.push(value);
      rouse();
    },
    end: finish,
    fail(error) {
      if (state === "open") failure = { error };
      finish();
    },
    clear() {
      values = [];
      at = 0;
    },
    next: () => nextOf(channel),
    async return() {
      close();
      rouse();
      return end;
    },
    async throw(error) {
      close();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  return channel;
}
