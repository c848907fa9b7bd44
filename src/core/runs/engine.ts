import { AsyncLocalStorage } from "node:async_hooks";
import { v7 as newId } from "uuid";
import { asPlatform } from "../database/rows.ts";
import type { Sql } from "../database/sql.ts";
import { WeftlineError, asWeftlineError, type ErrorCode } from "../errors.ts";
import type { EngineOptions } from "./engine-options.ts";
import { Run } from "./entities/run.ts";
import { openStatuses } from "./cancel.ts";
import type { Claim } from "./start.ts";
import type { TurnHost, TurnStops } from "./stage.ts";
import { runTurn } from "./turn.ts";

interface Active {
  readonly abort: AbortController;
  readonly drain: AbortController;
  readonly epoch: number;
  readonly done: Promise<void>;
}

/** Finished runs, which are most, wait for nobody either: as a plain condition, SQLite would read all of them by the index of that column. */
const unblocked = "coalesce(blocked_by_id, '') = ''";
const claimable = (now: string): string => `${unblocked} and (
  (lease_owner is null and due_at <= ${now} and status in ('QUEUED', 'RUNNING', 'WAITING', 'CANCELLING'))
  or (lease_owner is not null and lease_until < ${now} and status in ('QUEUED', 'RUNNING', 'WAITING', 'CANCELLING')))`;

/** As how many take-overs one counts whose process had stopped answering. */
const lapsedTakeovers = 3;

/**
 * Claims runs that want a worker and advances them. A ring is a hint that anyone may give and nobody trusts: what may be claimed, the store
 * decides, by lease and epoch; what no ring told of, the sweep finds.
 */
export class EmbeddedEngine {
  readonly #host: TurnHost;
  readonly #options: EngineOptions;
  readonly #owner = newId();
  readonly #active = new Map<string, Active>();
  /** Claimed and about to be at work: a cancel reaches them too. */
  readonly #starting = new Map<string, AbortController>();
  readonly #rung = new Set<string>();
  /** Runs are rung for and adopted within others' turns and commits; what frameworks keep in their asynchronous context must not come along. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  #claiming: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #working = false;
  #stopped = false;

  constructor(host: TurnHost, options: EngineOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** How many runs are at work here. */
  get active(): number {
    return this.#active.size;
  }

  /**
   * Starts to work. With `takeOver` every open lease ends now: right where this process is the only one on the store, so that recovery takes
   * as long as the start, not as long as a lease.
   */
  async start(boot: "takeOver" | "join"): Promise<void> {
    if (boot === "takeOver") {
      // A run whose lease had lapsed may be what kept its process from answering: it is not tried as often as one whose process was ended.
      await this.#host.database.commit(({ sql }) =>
        sql.run(
          `update runs_run set takeovers = takeovers + case when lease_until > 0 and lease_until < ${sql.now} then ? else 0 end, lease_until = 0
           where lease_owner is not null and status in ${openStatuses}`,
          lapsedTakeovers - 1,
        ),
      );
    }
    this.#working = true;
    this.#timers = [
      setInterval(() => void this.#guard(this.sweep()), this.#options.sweepMs),
      setInterval(() => void this.#guard(this.#renew()), this.#options.leaseMs / 3),
    ];
    await this.sweep();
  }

  /** A run may want a worker. */
  ring(runId: string): void {
    if (this.#stopped) return;
    this.#rung.add(runId);
    this.#pump();
  }

  /** A hold for a run that is about to be queued, where there is room for it. */
  claim(): Claim | undefined {
    if (!this.#working || this.#stopped || this.#active.size >= this.#options.concurrency) return undefined;
    return { owner: this.#owner, leaseMs: this.#options.leaseMs };
  }

  /** Advances a run that was queued with a hold of this engine. Starts that share a commit may have been promised the same place. */
  adopt(run: Run): void {
    if (this.#stopped || this.#active.size >= this.#options.concurrency) void this.#guard(this.#release(run).then(() => this.ring(run.id)));
    else this.#advance(run);
  }

  /** A run at work here should stop. */
  nudge(runId: string, code: ErrorCode, details: Readonly<Record<string, unknown>> = {}): void {
    const abort = this.#active.get(runId)?.abort ?? this.#starting.get(runId);
    abort?.abort(new WeftlineError(code, details));
  }

  /** Rings for what is due or was lost. */
  async sweep(): Promise<void> {
    if (this.#stopped) return;
    const { read } = this.#host.database;
    const free = this.#options.concurrency - this.#active.size;
    if (free <= 0) return;
    const rows = await read.all<{ id: string }>(`select id from runs_run where ${claimable(read.now)} order by due_at limit ?`, free);
    for (const { id } of rows) this.ring(id);
  }

  /**
   * Stops to claim, lets runs at work reach their end or a boundary until the deadline, then leaves the rest to the next process: nothing of them
   * is lost.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#claiming;
    for (const { drain } of this.#active.values()) drain.abort(new WeftlineError("SHUTTING_DOWN"));
    const late = setTimeout(() => {
      for (const { abort } of this.#active.values()) abort.abort(new WeftlineError("SHUTTING_DOWN"));
    }, deadlineMs);
    await Promise.all([...this.#active.values()].map(({ done }) => done));
    clearTimeout(late);
  }

  #pump(): void {
    if (this.#claiming || this.#stopped) return;
    this.#claiming = this.#guard(this.#claim()).finally(() => {
      this.#claiming = undefined;
      if (this.#next().length > 0) this.#pump();
    });
  }

  /** Rung runs that are not at work here already, as many as there is room for. */
  #next(): string[] {
    const free = this.#options.concurrency - this.#active.size;
    const next: string[] = [];
    for (const id of this.#rung) {
      if (next.length >= free) break;
      if (!this.#active.has(id)) next.push(id);
    }
    return next;
  }

  async #claim(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const ids = this.#next();
    if (ids.length === 0) return;
    for (const id of ids) this.#rung.delete(id);
    const { failpoint } = this.#host;
    failpoint?.("claim.before");
    const claimed = await this.#host.database.commit(async ({ sql, afterCommit }) => {
      const won: string[] = [];
      for (const id of ids.toSorted()) if (await this.#claimOne(sql, id)) won.push(id);
      failpoint?.("claim.inside");
      afterCommit(() => won.forEach((id) => this.#starting.set(id, new AbortController())));
      return won;
    });
    if (claimed.length === 0) return;
    failpoint?.("claim.committed");
    try {
      const runs = await this.#host.database.rows.byIds(Run, asPlatform, claimed);
      for (const run of runs) this.#advance(run, this.#starting.get(run.id));
    } finally {
      for (const id of claimed) this.#starting.delete(id);
    }
  }

  async #claimOne(sql: Sql, id: string): Promise<boolean> {
    const changed = await sql.run(
      `update runs_run set epoch = epoch + 1, due_at = null, lease_until = ${sql.now} + ?,
       takeovers = takeovers + case when lease_owner is null then 0 else 1 end, lease_owner = ? where id = ? and ${claimable(sql.now)}`,
      this.#options.leaseMs,
      this.#owner,
      id,
    );
    return changed > 0;
  }

  #advance(run: Run, abort = new AbortController()): void {
    const drain = new AbortController();
    const done = this.#inOwnContext(() => this.#turn(run, { abort, drain: drain.signal })).finally(() => {
      this.#active.delete(run.id);
      this.#pump();
    });
    this.#active.set(run.id, { abort, drain, epoch: run.epoch, done });
  }

  async #turn(run: Run, stops: TurnStops): Promise<void> {
    try {
      const fail = (error: WeftlineError): void => stops.abort.abort(error);
      await this.#host.uncaught.watch({ runId: run.id }, fail, () => runTurn(this.#host, run, stops));
    } catch (error) {
      const known = asWeftlineError(error);
      if (known.code === "SHUTTING_DOWN") await this.#guard(this.#release(run));
      else this.#host.log.warn({ runId: run.id, code: known.code, err: known.cause ?? known }, "a run was left to another owner");
    }
  }

  /** Gives a run back as it is, without counting it as lost. */
  async #release(run: Run): Promise<void> {
    this.#host.failpoint?.("release.before");
    await this.#host.database.commit(({ sql }) =>
      sql.run(
        `update runs_run set lease_owner = null, lease_until = null, due_at = ${sql.now} where id = ? and epoch = ?`,
        run.id,
        run.epoch,
      ),
    );
    this.#host.failpoint?.("release.committed");
  }

  /** Only for runs at work: the lease of one whose turn broke off lapses, so that it is taken over. */
  async #renew(): Promise<void> {
    if (this.#active.size === 0) return;
    this.#host.failpoint?.("renew.before");
    const mine = [...this.#active];
    const lost = await this.#host.database.commit(async ({ sql }) => {
      const renew = `update runs_run set lease_until = ${sql.now} + ? where id = ? and epoch = ? and lease_owner = ?`;
      const gone: Active[] = [];
      for (const [id, active] of mine) {
        if ((await sql.run(renew, this.#options.leaseMs, id, active.epoch, this.#owner)) === 0) gone.push(active);
      }
      return gone;
    });
    this.#host.failpoint?.("renew.committed");
    for (const { abort } of lost) abort.abort(new WeftlineError("RUN_FENCED"));
  }

  async #guard(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#host.log.warn({ err: error }, "the engine will try again");
    }
  }
}
