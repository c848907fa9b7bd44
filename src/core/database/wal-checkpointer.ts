import { Worker } from "node:worker_threads";
import type { Logger } from "../kernel/spec.ts";

/** After how many commits, or rows that they changed, the write-ahead log is copied back: some 1,000 pages. */
const everyCommits = 100;
const everyRows = 2_000;
/** How often it is tried to begin the log anew, and how long to wait between two tries, in milliseconds. */
const mostTries = 100;
const retryMs = 100;

/**
 * Copies the write-ahead log back into the database file on a thread of its own: the copy and its two fsyncs would hold up the event loop for tens
 * of milliseconds. The thread starts with the first copy, so a server with little to do has none.
 *
 * The log starts over when all of it has been copied. Where new commits always come first, the writing connection copies the rest itself, at
 * {@link mostWalPages}.
 *
 * @see https://www.sqlite.org/wal.html#ckpt
 */
export class WalCheckpointer {
  readonly #file: string;
  readonly #log: Logger | undefined;
  #worker: Worker | undefined;
  #state: "idle" | "at work" | "ended" = "idle";
  #commits = 0;
  #rows = 0;
  /** How often the log may still refuse to begin anew, since somebody reads or writes; 0 where it need not. */
  #tries = 0;
  #again: NodeJS.Timeout | undefined;

  constructor(file: string, log: Logger | undefined) {
    this.#file = file;
    this.#log = log;
  }

  /** Counts a commit and the rows that it changed, and asks for a copy where it is time. */
  committed(rows: number): void {
    this.#commits++;
    this.#rows += rows;
    if ((this.#commits < everyCommits && this.#rows < everyRows) || this.#state !== "idle") return;
    this.#commits = 0;
    this.#rows = 0;
    this.#ask("checkpoint");
  }

  /** Copies all of the log and cuts it to nothing, so that what was overwritten in the file does not stand there any more. */
  truncate(): void {
    this.#tries = mostTries;
    if (this.#state === "idle") this.#ask("truncate");
  }

  #ask(what: "checkpoint" | "truncate"): void {
    this.#state = "at work";
    this.#worker ??= this.#start();
    this.#worker.postMessage(what);
  }

  #done(answer: "done" | "truncated" | "busy"): void {
    if (this.#state !== "at work") return;
    this.#state = "idle";
    if (answer === "truncated") this.#tries = 0;
    if (this.#tries === 0) return;
    if (--this.#tries === 0) this.#log?.warn({}, "the write-ahead log could not be begun anew; what was erased goes from it later");
    else this.#again = setTimeout(() => this.#state === "idle" && this.#ask("truncate"), answer === "busy" ? retryMs : 0).unref();
  }

  /** Waits for a copy at work and closes the thread's connection. */
  async close(): Promise<void> {
    this.#state = "ended";
    clearTimeout(this.#again);
    const worker = this.#worker;
    if (!worker) return;
    // The process must not end before it, when nothing else is left to wait for.
    worker.ref();
    await new Promise<void>((resolve) => {
      worker.once("exit", () => resolve());
      worker.postMessage("close");
    });
  }

  #start(): Worker {
    const module = new URL(`./wal-worker${import.meta.url.slice(import.meta.url.lastIndexOf("."))}`, import.meta.url);
    const worker = new Worker(module, { workerData: { file: this.#file } });
    worker.unref();
    worker.on("message", (answer: "done" | "truncated" | "busy") => this.#done(answer));
    worker.on("error", (error) => {
      this.#log?.warn({ err: error }, "the thread that copies the write-ahead log ended; the main thread copies from now on");
    });
    worker.on("exit", () => {
      this.#state = "ended";
      this.#worker = undefined;
    });
    return worker;
  }
}

/** At this length the writing connection copies the log itself, in pages of 4 KiB. */
export const mostWalPages = 8_000;
