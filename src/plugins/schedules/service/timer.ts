import { SetAside, WeftlineError, type Database, type Logger } from "#weftline";
import { Schedule } from "../entities.ts";

/** So many due schedules are read at once, and decided at once: their commits are shared. */
const mostAtOnce = 32;
/** A failing store is asked again after this long, in milliseconds. */
const retryMs = 1_000;

interface TimerHost {
  readonly database: Database;
  readonly log: Logger;
  readonly pollMs: number;
  /** Decides about the oldest due tick of a schedule, unless the signal aborts before. */
  fire(schedule: Schedule, signal: AbortSignal): Promise<void>;
}

/**
 * Wakes for the next tick of all schedules, by the database's clock, and looks again every now and then: another process may have set an earlier one.
 * Idle schedules cost that one read of an index.
 */
export class ScheduleTimer {
  readonly #host: TimerHost;
  readonly #failing: SetAside;
  readonly #stopped = new AbortController();
  /** Schedules whose tick is being decided. A slow one holds up its own place alone. */
  readonly #deciding = new Map<string, Promise<void>>();
  /** Of those, the ones that were found due meanwhile. */
  readonly #dueAgain = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #state: "new" | "open" | "closed" = "new";
  /** Whether somebody woke the timer while it was at work. */
  #woken = false;
  #working: Promise<void> | undefined;
  #storeFailed = false;

  constructor(host: TimerHost) {
    this.#host = host;
    this.#failing = new SetAside(host.log, "schedule", { longestMs: 5 * 60_000 });
  }

  start(): void {
    this.#state = "open";
    this.wake();
  }

  /** Something may be due, or due earlier. */
  wake(): void {
    if (this.#state !== "open") return;
    this.#woken = true;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Resolves when the ticks that are being decided have been, or were left for the next start. */
  async close(): Promise<void> {
    this.#state = "closed";
    this.#stopped.abort(new WeftlineError("SHUTTING_DOWN"));
    clearTimeout(this.#timer);
    await this.#working;
    await Promise.all(this.#deciding.values());
  }

  async #work(): Promise<void> {
    clearTimeout(this.#timer);
    let waitMs = this.#host.pollMs;
    while (this.#woken && this.#state === "open") {
      this.#woken = false;
      this.#storeFailed = false;
      try {
        await this.#fireDue();
        waitMs = await this.#untilNext();
      } catch (error) {
        this.#noteFailure(error);
      }
    }
    this.#sleep(this.#storeFailed ? retryMs : waitMs);
  }

  #sleep(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#state === "open") this.#timer = setTimeout(() => this.wake(), ms);
  }

  /** One sweep over what is due; what is due again after it comes in the next one. */
  async #fireDue(): Promise<void> {
    let after: Pick<Schedule, "id" | "nextAt"> = { id: "", nextAt: 0 };
    while (this.#state === "open" && !this.#storeFailed) {
      const due = await this.#schedules({
        where: "e.next_at is not null and e.next_at <= ? and (e.next_at, e.id) > (?, ?)",
        params: [await this.#host.database.now(), after.nextAt ?? 0, after.id],
        limit: mostAtOnce,
      });
      for (const each of due) {
        while (this.#deciding.size >= mostAtOnce) await Promise.race(this.#deciding.values());
        this.#decide(each);
      }
      after = due.at(-1) ?? after;
      if (due.length < mostAtOnce) return;
    }
  }

  #decide(schedule: Schedule): void {
    const { id } = schedule;
    if (this.#state !== "open") return;
    if (this.#deciding.has(id)) return void this.#dueAgain.add(id);
    const decided = this.#failing
      .try(id, () => this.#host.fire(schedule, this.#stopped.signal))
      .catch((error: unknown) => this.#noteFailure(error))
      .finally(() => {
        this.#deciding.delete(id);
        if (this.#dueAgain.delete(id)) this.wake();
      });
    this.#deciding.set(
      id,
      decided.then(() => undefined),
    );
  }

  /** The store failed, which is the fault of no schedule. */
  #noteFailure(error: unknown): void {
    if (this.#state !== "open") return;
    if (!this.#storeFailed) this.#host.log.warn({ err: error }, "schedules will be looked at again");
    this.#storeFailed = true;
    if (!this.#working) this.#sleep(retryMs);
  }

  /** Milliseconds until the next tick that is to come, or until the next look. Ticks that are due now failed, or wake the timer once they are decided. */
  async #untilNext(): Promise<number> {
    const now = await this.#host.database.now();
    const [next] = await this.#schedules({ where: "e.next_at is not null and e.next_at > ?", params: [now], limit: 1 });
    return Math.min(this.#host.pollMs, Math.max(1, (next?.nextAt ?? Infinity) - now));
  }

  #schedules(query: {
    readonly where: string;
    readonly params: readonly (string | number)[];
    readonly limit: number;
  }): Promise<Schedule[]> {
    return this.#host.database.rows.all(Schedule, { reader: "SYSTEM", reach: "MINE" }, { ...query, orderBy: "e.next_at, e.id" });
  }
}
