import { WeftlineError } from "../errors.ts";
import type { Logger } from "../kernel/spec.ts";

/** How long one piece of work may have the writing connection, in milliseconds. */
export interface WriteTimes {
  /** From when on the log warns of it; 1,000 by default. */
  readonly longWriteMs?: number;
  /** When it is taken back and its caller gets WRITE_TOO_LONG; 10,000 by default, `Infinity` lifts it. */
  readonly maxWriteMs?: number;
}

/** Whose code writes, as far as that is known. */
export interface WriterLabels {
  readonly plugin?: string;
  readonly tool?: string;
  readonly runId?: string;
  readonly requestId?: string;
}

/** A piece of work that has the writing connection. */
export interface HeldConnection {
  /** Runs something in the context of whoever asked for the work. */
  readonly inContext: <T>(run: () => T) => T;
  /** Ends it for its caller and for the queue. */
  giveUp(error: WeftlineError): void;
}

const mostTickMs = 500;

/** Watches who has the writing connection: all other writes wait for it. Work that ends in time costs no more than two assignments. */
export class LongWrites {
  /** Who has it now; set by the queue. */
  current: HeldConnection | undefined;
  readonly warnMs: number;
  readonly #limitMs: number;
  readonly #tickMs: number;
  readonly #log: Logger | undefined;
  readonly #labels: () => WriterLabels;
  readonly #timer: NodeJS.Timeout;
  #seen: HeldConnection | undefined;
  #warned: HeldConnection | undefined;
  #ageMs = 0;
  #tickedAt = performance.now();

  /** @throws INVALID_INPUT for times that are not positive. */
  constructor({ longWriteMs = 1_000, maxWriteMs = 10_000 }: WriteTimes = {}, log?: Logger, labels: () => WriterLabels = () => ({})) {
    for (const [name, ms] of Object.entries({ longWriteMs, maxWriteMs }))
      if (!(ms > 0)) throw new WeftlineError("INVALID_INPUT", { message: `database.${name} is a number of milliseconds above 0.` });
    this.warnMs = longWriteMs;
    this.#limitMs = maxWriteMs;
    this.#log = log;
    this.#labels = labels;
    this.#tickMs = Math.min(mostTickMs, Math.max(5, Math.min(longWriteMs, maxWriteMs) / 4));
    this.#timer = setInterval(() => this.#tick(), this.#tickMs).unref();
  }

  /** Notes work that ended after it had held up others: code that never waits is seen only then. */
  ended(work: HeldConnection, ms: number): void {
    if (ms >= this.warnMs && this.#warned !== work) this.#warn(work, ms);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    // A process that was stopped for a while held up nobody meanwhile.
    const passed = Math.min(now - this.#tickedAt, 2 * this.#tickMs);
    this.#tickedAt = now;
    const work = this.current;
    this.#ageMs = work !== undefined && work === this.#seen ? this.#ageMs + passed : 0;
    this.#seen = work;
    if (!work) return;
    if (this.#ageMs >= this.warnMs && this.#warned !== work) this.#warn(work, this.#ageMs);
    if (this.#ageMs >= this.#limitMs) this.#refuse(work);
  }

  #warn(work: HeldConnection, ms: number): void {
    this.#warned = work;
    const labels = work.inContext(this.#labels);
    this.#log?.warn(
      { ...labels, ms: Math.round(ms) },
      `a write of ${whereOf(labels)} takes long, and all other writes wait for it: do what takes long before the write`,
    );
  }

  #refuse(work: HeldConnection): void {
    const labels = work.inContext(this.#labels);
    const error = new WeftlineError("WRITE_TOO_LONG", { ...labels, where: whereOf(labels), seconds: this.#limitMs / 1_000 });
    this.#log?.error({ ...labels, code: error.code, fix: error.fix }, error.message);
    work.giveUp(error);
  }
}

function whereOf({ plugin, tool }: WriterLabels): string {
  if (tool !== undefined) return `the tool "${tool}"`;
  return plugin === undefined ? "the host" : `the plugin "${plugin}"`;
}
