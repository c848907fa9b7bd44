import { SetAside, type Database, type Logger } from "#weftline";
import { Schedule } from "../entities.ts";

/** So many due schedules are read at once, and decided at once: their commits are shared. */
const batch = 32;
/** A failing store is asked again after this long, in milliseconds. */
const retryMs = 1_000;

interface TimerHost {
  readonly database: Database;
  readonly log: Logger;
  readonly pollMs: number;
  /** Decides about the oldest due tick of a schedule. */
  fire(schedule: Schedule): Promise<void>;
}

/**
 * Wakes for the next tick of all schedules, by the database's clock, and looks again every now and then: another process may have set an earlier one.
 * Idle schedules cost that one read of an index.
 */
export class ScheduleTimer {
  readonly #host: TimerHost;
  readonly #failing: SetAside;
  #timer: NodeJS.Timeout | undefined;
  #state: "new" | "open" | "closed" = "new";
  /** Whether somebody woke the timer while it was at work. */
  #woken = false;
  #working: Promise<void> | undefined;

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

  /** Resolves when the tick that is being decided has been. */
  async close(): Promise<void> {
    this.#state = "closed";
    clearTimeout(this.#timer);
    await this.#working;
  }

  async #work(): Promise<void> {
    clearTimeout(this.#timer);
    let waitMs = this.#host.pollMs;
    while (this.#woken && this.#state === "open") {
      this.#woken = false;
      try {
        await this.#fireDue();
        waitMs = await this.#untilNext();
      } catch (error) {
        this.#host.log.warn({ err: error }, "schedules will be looked at again");
        waitMs = retryMs;
      }
    }
    if (this.#state === "open") this.#timer = setTimeout(() => this.wake(), waitMs);
  }

  /** One sweep over what is due; what is due again after it comes in the next one. */
  async #fireDue(): Promise<void> {
    let after: Pick<Schedule, "id" | "nextAt"> = { id: "", nextAt: 0 };
    while (this.#state === "open") {
      const due = await this.#schedules({
        where: "e.next_at is not null and e.next_at <= ? and (e.next_at, e.id) > (?, ?)",
        params: [await this.#host.database.now(), after.nextAt ?? 0, after.id],
        limit: batch,
      });
      const outcomes = await Promise.allSettled(due.map((each) => this.#failing.try(each.id, () => this.#host.fire(each))));
      for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
      after = due.at(-1) ?? after;
      if (due.length < batch) return;
    }
  }

  /** Milliseconds until the next tick that is to come, or until the next look. Ticks that are due now failed, or were told with a wake. */
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
