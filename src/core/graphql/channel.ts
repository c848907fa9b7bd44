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

/**
 * Makes a channel.
 *
 * @param onClose runs once, when the channel has ended or its reader has gone.
 * @example
 * const channel = createChannel<number>(() => source.off(listener));
 * const listener = (value: number) => channel.push(value);
 */
export function createChannel<T>(onClose: () => void = () => {}): Channel<T> {
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
