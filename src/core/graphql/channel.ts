/** An async iterator that is fed from outside; ends at once when its reader goes, wherever that reader waits. */
export interface Channel<T> extends AsyncIterableIterator<T> {
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
  let waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined;
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

  function finish(): void {
    if (state !== "open") return;
    state = "ending";
    if (!waiting) return;
    const { resolve, reject } = waiting;
    waiting = undefined;
    close();
    if (failure) reject(failure.error);
    else resolve(end);
  }

  return {
    get size() {
      return values.length - at;
    },
    push(value) {
      if (state !== "open") return;
      if (waiting) {
        const { resolve } = waiting;
        waiting = undefined;
        resolve({ value, done: false });
      } else values.push(value);
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
    next() {
      if (at < values.length) {
        const value = values[at++] as T;
        if (at === values.length) {
          values = [];
          at = 0;
        }
        return Promise.resolve({ value, done: false });
      }
      if (state !== "open") {
        close();
        const failed = failure;
        failure = undefined;
        return failed ? Promise.reject(failed.error) : Promise.resolve(end);
      }
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
      });
    },
    return() {
      const reader = waiting;
      waiting = undefined;
      close();
      reader?.resolve(end);
      return Promise.resolve(end);
    },
    throw(error) {
      close();
      return Promise.reject(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
