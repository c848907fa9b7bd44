import type { LoggedEvent } from "./events.ts";

/** What a reader may fall behind before its buffer is dropped and it goes on from the log. */
const maxEvents = 1_000;
const maxBytes = 1024 * 1024;

/** The live end of a stream for one reader. */
export interface HubReader {
  /** The next live event that waits, or nothing. */
  take(): LoggedEvent | undefined;
  /** Whether events were dropped since the last {@link HubReader.catchUp}. */
  readonly behind: boolean;
  /** Starts to buffer anew; what was dropped is read from the log. */
  catchUp(): void;
  /** Resolves when there is something to take, when the reader fell behind, or when it was closed. */
  wait(): Promise<void>;
  close(): void;
}

interface Subscriber {
  push(events: readonly LoggedEvent[], bytes: number): void;
}

/** Hears every event of every stream. */
export type Tap = (streamNum: number, events: readonly LoggedEvent[]) => void;

/** Hands committed events to those who follow, in this process. A copy of the log, only faster: whoever falls behind reads the log. */
export class Hub {
  readonly #subscribers = new Map<number, Set<Subscriber>>();
  readonly #taps = new Set<Tap>();

  /** Called after the commit, in the order of seq. */
  publish(streamNum: number, events: readonly LoggedEvent[], bytes: number): void {
    for (const subscriber of this.#subscribers.get(streamNum) ?? []) subscriber.push(events, bytes);
    for (const tap of this.#taps) tap(streamNum, events);
  }

  tap(listener: Tap): () => void {
    this.#taps.add(listener);
    return () => void this.#taps.delete(listener);
  }

  attach(streamNum: number): HubReader {
    const buffer = createBuffer(() => this.#detach(streamNum, buffer.subscriber));
    let subscribers = this.#subscribers.get(streamNum);
    if (!subscribers) this.#subscribers.set(streamNum, (subscribers = new Set()));
    subscribers.add(buffer.subscriber);
    return buffer.reader;
  }

  #detach(streamNum: number, subscriber: Subscriber): void {
    const subscribers = this.#subscribers.get(streamNum);
    subscribers?.delete(subscriber);
    if (subscribers?.size === 0) this.#subscribers.delete(streamNum);
  }
}

function createBuffer(onClose: () => void): { readonly reader: HubReader; readonly subscriber: Subscriber } {
  let events: LoggedEvent[] = [];
  let at = 0;
  let bytes = 0;
  let behind = false;
  let closed = false;
  /** Something other than events happened, as the end of the stream: the next wait is over at once. */
  let called = false;
  let wake: (() => void) | undefined;

  function reset(): void {
    events = [];
    at = 0;
    bytes = 0;
  }

  function rouse(): void {
    const waiting = wake;
    wake = undefined;
    waiting?.();
  }

  const subscriber: Subscriber = {
    push(more, size) {
      called ||= more.length === 0;
      if (!behind) {
        events.push(...more);
        bytes += size;
        if (events.length - at > maxEvents || bytes > maxBytes) {
          reset();
          behind = true;
        }
      }
      rouse();
    },
  };
  const reader: HubReader = {
    take() {
      const event = events[at];
      if (event === undefined) {
        if (at > 0) reset();
        return undefined;
      }
      at++;
      return event;
    },
    get behind() {
      return behind;
    },
    catchUp() {
      reset();
      behind = false;
    },
    wait() {
      if (called || closed || behind || at < events.length) {
        called = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => (wake = resolve));
    },
    close() {
      if (closed) return;
      closed = true;
      reset();
      onClose();
      rouse();
    },
  };
  return { reader, subscriber };
}
