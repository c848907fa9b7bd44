import { AsyncLocalStorage } from "node:async_hooks";
import { messageOf, type Logger } from "#weftline";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

/** So many spans one request carries. */
const batchSize = 512;
/** How long a failure shows in the health, in milliseconds. */
const troubleMs = 60_000;

/** What became of spans and runs so far. */
export interface SendCounts {
  /** Spans that the collector took, and spans that it did not. */
  exported: number;
  failed: number;
  /** Runs whose spans were not made: too many waited. */
  dropped: number;
}

/** How spans are sent. */
export interface SenderOptions {
  readonly exporter: SpanExporter;
  /** The spans of a run that has ended; none where it is not recorded. */
  readonly spansOf: (runId: string) => Promise<readonly ReadableSpan[]>;
  readonly log: Logger;
  /** How many runs may wait. */
  readonly queue: number;
  readonly gatherMs: number;
}

/** Makes and sends the spans of runs that ended, apart from them: one request at a time, and what does not fit is dropped and counted. */
export class SpanSender {
  readonly counts: SendCounts = { exported: 0, failed: 0, dropped: 0 };
  readonly #options: SenderOptions;
  #waiting: string[] = [];
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trouble: { readonly at: number; readonly what: string } | undefined;
  #closed = false;
  /** It is told of ends within turns of runs, and works for none of them. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** How many runs wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** What went wrong last, where that was lately. */
  get trouble(): string | undefined {
    return this.#trouble && performance.now() - this.#trouble.at < troubleMs ? this.#trouble.what : undefined;
  }

  /** A run has ended. Costs a push, whatever the collector does. */
  add(runId: string): void {
    if (this.#closed) return;
    if (this.#waiting.length >= this.#options.queue) {
      this.counts.dropped++;
      this.#note("runs end faster than the collector takes their spans");
      return;
    }
    this.#waiting.push(runId);
    if (!this.#sending) this.#timer ??= this.#inOwnContext(() => setTimeout(() => void this.#send(), this.#options.gatherMs).unref());
  }

  /** Sends what waits, for as long as the deadline lets it. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    const late = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref());
    await Promise.race([this.#send(), late]);
    this.#waiting = [];
    await Promise.race([this.#options.exporter.shutdown().catch(() => undefined), late]);
  }

  #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#drain().finally(() => (this.#sending = undefined));
    return this.#sending;
  }

  async #drain(): Promise<void> {
    let batch: ReadableSpan[] = [];
    for (let runId = this.#waiting.shift(); runId !== undefined; runId = this.#waiting.shift()) {
      batch.push(...(await this.#spansOf(runId)));
      for (; batch.length >= batchSize; batch = batch.slice(batchSize)) await this.#export(batch.slice(0, batchSize));
    }
    if (batch.length > 0) await this.#export(batch);
    // What came while the last of them was on its way.
    if (this.#waiting.length > 0) await this.#drain();
  }

  /** A run whose rows cannot be read has no spans, and the others have theirs. */
  async #spansOf(runId: string): Promise<readonly ReadableSpan[]> {
    try {
      return await this.#options.spansOf(runId);
    } catch (error) {
      this.counts.dropped++;
      this.#options.log.warn({ runId, err: error }, "a run has no spans");
      return [];
    }
  }

  async #export(batch: readonly ReadableSpan[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<{ readonly code: number; readonly error?: Error }>();
    try {
      this.#options.exporter.export([...batch], resolve);
    } catch (error) {
      resolve({ code: 1, error: error as Error });
    }
    const { code, error } = await promise;
    if (code === 0) this.counts.exported += batch.length;
    else {
      this.counts.failed += batch.length;
      this.#note(`the collector does not take spans: ${messageOf(error)}`);
    }
  }

  /** Told once until it has been well for a while: a collector may be away for days. */
  #note(what: string): void {
    if (this.trouble === undefined) this.#options.log.warn({ reason: what }, "spans are lost");
    this.#trouble = { at: performance.now(), what };
  }
}
