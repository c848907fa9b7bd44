import type { Client } from "graphql-ws/client";
import { clientError, type ServerError, type WeftlineClientError } from "./errors.ts";

/** A subscription that goes on after a break where it stopped. */
export interface ResumableOptions<Data> {
  /** A graphql-ws client; it decides how often and how patiently to connect again. */
  readonly client: Pick<Client, "subscribe">;
  /** A subscription with a variable `after`, as in `subscription ($run: ID!, $after: Int) { runEvents(run: $run, after: $after) { seq } }`. */
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Reads the place in the stream from what one event carried. */
  readonly seq: (data: Data) => number;
  /** Ends the stream when it aborts. */
  readonly signal?: AbortSignal;
}

/**
 * Follows a stream by `seq`. After a broken connection the last `seq` is passed as `after`, and what comes twice is dropped: no event
 * is lost or repeated. It starts at the first `next()`, waits for its reader without limit, and ends when the server ends it, at
 * `return()`, or when `signal` aborts.
 *
 * @throws WeftlineClientError where the server refuses the stream, or the client gives up connecting.
 * @example
 * for await (const { runEvents } of resumable({ client, query, variables: { run, after: null }, seq: (data) => data.runEvents.seq })) show(runEvents);
 */
export function resumable<Data>({ client, query, variables = {}, seq, signal }: ResumableOptions<Data>): AsyncIterableIterator<Data> {
  // The client sends this very object again when it has connected anew: what is changed in it is what is asked for then.
  const resumed: Record<string, unknown> = { ...variables };
  const values: Data[] = [];
  let last = typeof resumed["after"] === "number" ? resumed["after"] : -Infinity;
  let state: "idle" | "open" | "ended" = "idle";
  let failure: WeftlineClientError | undefined;
  let wake: (() => void) | undefined;
  let unsubscribe: (() => void) | undefined;

  const ended = (): boolean => state === "ended";
  const end = (error?: WeftlineClientError): void => {
    if (ended()) return;
    state = "ended";
    failure = error;
    unsubscribe?.();
    signal?.removeEventListener("abort", leave);
    wake?.();
  };
  const leave = (): void => {
    values.length = 0;
    end();
  };

  function start(): void {
    state = "open";
    signal?.addEventListener("abort", leave);
    if (signal?.aborted) return leave();
    unsubscribe = client.subscribe<Data>(
      { query, variables: resumed },
      {
        next: ({ data, errors }) => {
          if (state !== "open") return;
          if (errors) return end(clientError(errors satisfies readonly ServerError[]));
          if (!data) return;
          const at = seq(data);
          if (at <= last) return;
          last = at;
          resumed["after"] = at;
          values.push(data);
          wake?.();
        },
        error: (reported) => end(clientError(reported)),
        complete: () => end(),
      },
    );
  }

  return {
    async next() {
      if (state === "idle") start();
      while (values.length === 0 && !ended()) {
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
      }
      const value = values.shift();
      if (value !== undefined) return { value, done: false };
      const error = failure;
      failure = undefined;
      if (error) throw error;
      return { value: undefined, done: true };
    },
    async return() {
      leave();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
