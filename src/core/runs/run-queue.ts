import { asWeftlineError } from "../errors.ts";
import { sizeOf } from "../json/size.ts";
import { event, type EventKind, type EventPayloads, type LoggedEvent } from "./events.ts";
import { createGrammar, type Grammar, type OpenParts } from "./grammar.ts";
import type { ProjectedRun, RunEventDraft } from "./projector.ts";
import { sharedDraft } from "./values/drafts.ts";
import { mostInline, sizeOfStored } from "./values/refs.ts";
import type { EventSource, LogWriter } from "./writer.ts";

/** Characters that may wait to be written before an adapter is made to wait. */
const highWaterMark = 256 * 1024;

/** What a row of the log takes beside its payload. */
const eventSize = 40;

type MutableDelta = [m: number, part: number, text: string, reasoning?: 1];

/** Whose events a queue holds. */
export interface QueueOwner {
  readonly run: ProjectedRun & { readonly startSeq: number };
  readonly epoch: number;
  /** What the log holds of the run already. */
  readonly past: readonly LoggedEvent[];
}

/** The events of one run on their way to the log: in one order, checked against the grammar, deltas merged until they are written. */
export class RunQueue implements EventSource {
  readonly run: QueueOwner["run"];
  readonly epoch: number;
  readonly #writer: LogWriter;
  readonly #grammar: Grammar = createGrammar();
  #drafts: RunEventDraft[] = [];
  #size = 0;
  #written = 0;
  /** Hashes of the values that this turn named. */
  readonly #named = new Set<string>();
  #inFlight = 0;
  #waiters: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(writer: LogWriter, { run, epoch, past }: QueueOwner) {
    this.#writer = writer;
    this.run = run;
    this.epoch = epoch;
    this.#grammar.replay(past);
  }

  /** What stands open: messages, steps, calls. */
  get open(): OpenParts {
    return this.#grammar.open();
  }

  /** Whether so much waits to be written that whoever speaks should wait. */
  get congested(): boolean {
    return this.#size > highWaterMark;
  }

  /** What the run has written so far, in characters of JSON, about. */
  get written(): number {
    return this.#written;
  }

  /** Counts what was written beside the log, or in earlier turns. */
  countWritten(characters: number): void {
    this.#written += characters;
  }

  /** Whether something was refused for what it says: then what this queue takes for written is not. */
  get spoilt(): boolean {
    return this.#failure !== undefined && asWeftlineError(this.#failure.error).code !== "RUN_FENCED";
  }

  /**
   * Queues one event, to be written at once or with others.
   *
   * @throws PROTOCOL_VIOLATION where the grammar forbids it; what an earlier append was refused for.
   */
  append<Kind extends EventKind>(
    kind: Kind,
    payload: EventPayloads[Kind],
    options: { readonly row?: Readonly<Record<string, unknown>>; readonly urgency?: "now" | "soon" } = {},
  ): void {
    if (this.#failure) throw this.#failure.error;
    const beside = sizeOf(options.row);
    const size = sizeOf(payload);
    const draft: RunEventDraft = options.row ? { ...event(kind, payload), row: options.row, beside } : event(kind, payload);
    this.#grammar.check(draft);
    if (beside + size > mostInline) this.#takeLarge(draft);
    else {
      this.#drafts.push(draft);
      this.#grow(eventSize + size + beside);
    }
    this.#writer.wake(this, options.urgency ?? "soon");
  }

  /** Queues more text of a message's part; it joins the last event where that is of the same part and not yet written. */
  appendDelta(m: number, part: number, text: string, channel: "TEXT" | "REASONING", urgency: "now" | "soon"): void {
    const reasoning = channel === "REASONING" ? 1 : undefined;
    const last = this.#drafts.at(-1);
    if (last?.kind === "message.delta" && typeof text === "string") {
      const open = last.payload as MutableDelta;
      if (open[0] === m && open[1] === part && open[3] === reasoning) {
        open[2] += text;
        this.#grow(text.length);
        return;
      }
    }
    this.append("message.delta", reasoning ? [m, part, text, reasoning] : [m, part, text], { urgency });
  }

  /** What is large of an event is kept once: of what was named before only the names are written. */
  #takeLarge(given: RunEventDraft): void {
    const draft = sharedDraft(given);
    this.#drafts.push(draft);
    this.#grow(eventSize + sizeOf(draft.payload) + (draft.beside ?? 0));
    for (const value of draft.values ?? []) {
      const size = sizeOfStored(value);
      this.#size += size;
      if (!this.#named.has(value.hash)) this.#written += size;
      this.#named.add(value.hash);
    }
  }

  #grow(characters: number): void {
    this.#size += characters;
    this.#written += characters;
  }

  /** Resolves when everything so far is durable. @throws RUN_FENCED where another owner took over. */
  flush(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    if (this.#drafts.length === 0 && this.#inFlight === 0) return Promise.resolve();
    this.#writer.wake(this, "now");
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  drain(): RunEventDraft[] {
    const drained = this.#drafts;
    this.#drafts = [];
    this.#size = 0;
    this.#inFlight += drained.length;
    return drained;
  }

  committed(events: readonly LoggedEvent[]): void {
    this.#inFlight -= events.length;
    if (this.#drafts.length > 0 || this.#inFlight > 0) {
      if (this.#waiters.length > 0) this.#writer.wake(this, "now");
      return;
    }
    for (const { resolve } of this.#waiters.splice(0)) resolve();
  }

  refused(error: unknown): void {
    this.#failure = { error };
    this.#inFlight = 0;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
