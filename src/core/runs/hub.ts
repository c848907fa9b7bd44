import type { LoggedEvent } from "./events.ts";
import { RunCounters } from "./figures.ts";

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

/** Hears every event of every stream. */
export type Tap = (streamNum: number, events: readonly LoggedEvent[]) => void;

/** Hands committed events to those who follow, in this process. A copy of the log, only faster: whoever falls behind reads the log. */
export class Hub {
  readonly #buffers = new Map<number, Set<Buffered>>();
  readonly #taps = new Set<Tap>();
  readonly #counters: RunCounters;

  constructor(counters = new RunCounters()) {
    this.#counters = counters;
  }

  /** Called after the commit, in the order of seq. */
  publish(streamNum: number, events: readonly LoggedEvent[], bytes: number): void {
    this.#counters.events += events.length;
    this.#counters.bytes += bytes;
    for (const buffer of this.#buffers.get(streamNum) ?? []) buffer.push(events, bytes);
    for (const tap of this.#taps) tap(streamNum, events);
  }

  tap(listener: Tap): () => void {
    this.#taps.add(listener);
    return () => void this.#taps.delete(listener);
  }

  attach(streamNum: number): HubReader {
    const buffer = new Buffered(this, streamNum);
    let buffers = this.#buffers.get(streamNum);
    if (!buffers) this.#buffers.set(streamNum, (buffers = new Set()));
    buffers.add(buffer);
    this.#counters.readers++;
    return buffer;
  }

  fellBehind(): void {
    this.#counters.readersBehind++;
  }

  detach(streamNum: number, buffer: Buffered): void {
    const buffers = this.#buffers.get(streamNum);
    if (buffers?.delete(buffer)) this.#counters.readers--;
    if (buffers?.size === 0) this.#buffers.delete(streamNum);
  }
}

/** What one reader has yet to take. There are many that wait and hold nothing: they should be small. */
class Buffered implements HubReader {
  readonly #hub: Hub;
  readonly #streamNum: number;
  #events: LoggedEvent[] | undefined;
  #at = 0;
  #bytes = 0;
  #behind = false;
  #closed = false;
  /** Something other than events happened, as the end of the stream: the next wait is over at once. */
  #called = false;
  #wake: (() => void) | undefined;

  constructor(hub: Hub, streamNum: number) {
    this.#hub = hub;
    this.#streamNum = streamNum;
  }

  get behind(): boolean {
    return this.#behind;
  }

  push(more: readonly LoggedEvent[], bytes: number): void {
    this.#called ||= more.length === 0;
    if (!this.#behind && more.length > 0) this.#keep(more, bytes);
    this.#rouse();
  }

  take(): LoggedEvent | undefined {
    const event = this.#events?.[this.#at++];
    if (event === undefined) this.#reset();
    return event;
  }

  catchUp(): void {
    this.#reset();
    this.#behind = false;
  }

  wait(): Promise<void> {
    if (this.#called || this.#closed || this.#behind || (this.#events && this.#at < this.#events.length)) {
      this.#called = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => (this.#wake = resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reset();
    this.#hub.detach(this.#streamNum, this);
    this.#rouse();
  }

  #keep(more: readonly LoggedEvent[], bytes: number): void {
    const events = (this.#events ??= []);
    events.push(...more);
    this.#bytes += bytes;
    if (events.length - this.#at <= maxEvents && this.#bytes <= maxBytes) return;
    this.#reset();
    this.#behind = true;
    this.#hub.fellBehind();
  }

  #reset(): void {
    this.#events = undefined;
    this.#at = 0;
    this.#bytes = 0;
  }

  #rouse(): void {
    const waiting = this.#wake;
    this.#wake = undefined;
    waiting?.();
  }
}
