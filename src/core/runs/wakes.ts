import type { Sql } from "../database/sql.ts";

/** Runs for which something has changed once a transaction is durable. */
export class Wakes {
  /** They want a worker. */
  readonly due = new Set<string>();
  /** A worker has them: their turns look again. */
  readonly atWork = new Set<string>();
  /** They want a worker in so many milliseconds. */
  readonly later = new Map<string, number>();

  /** Notes in how many milliseconds a run is due; nothing where it waits for something else. */
  note(runId: string, ms: number | null | undefined): void {
    if (ms == null) return;
    if (ms <= 0) this.due.add(runId);
    else this.later.set(runId, ms);
  }

  /** Tells the engine. */
  tell(engine: WakeTarget): void {
    for (const id of this.due) engine.ring(id);
    for (const id of this.atWork) engine.wake(id);
    for (const [id, ms] of this.later) engine.ringIn(id, ms);
  }
}

/** Who is told of {@link Wakes}. */
export interface WakeTarget {
  /** The run may want a worker. */
  ring(runId: string): void;
  /** It may want one in so many milliseconds. */
  ringIn(runId: string, ms: number): void;
  /** Something came that a turn at work may wait for. */
  wake(runId: string): void;
}

/** Notes that something came that a run may wait for, and makes it due where it waits, also as one that is RUNNING past its deadline. */
export async function wake(sql: Sql, runId: string, wakes: Wakes): Promise<void> {
  const row = await sql.get<{ lease_owner: string | null }>(
    `update runs_run set wakes = wakes + 1,
     due_at = case when lease_owner is null and status in ('RUNNING', 'WAITING', 'CANCELLING') then ${sql.now} else due_at end where id = ?
     returning lease_owner`,
    runId,
  );
  if (row) (row.lease_owner === null ? wakes.due : wakes.atWork).add(runId);
}

/** Lets a turn at work sleep until something comes. */
export class WakeSignal {
  /** How many of the run's wakes the turn has seen: one that came since has it look again. */
  seen = 0;
  /** Steps that were due until then the turn has seen: they wake the run no more. */
  dueSeen = 0;
  #woken = Promise.withResolvers<void>();

  /** Resolves at the next wake after this was read. */
  get next(): Promise<void> {
    return this.#woken.promise;
  }

  wake(): void {
    const { resolve } = this.#woken;
    this.#woken = Promise.withResolvers<void>();
    resolve();
  }
}
