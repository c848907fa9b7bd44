import { AsyncLocalStorage } from "node:async_hooks";
import type { WorkLabels } from "../process/uncaught-errors.ts";
import { WeftlineError, asWeftlineError, type ErrorCode } from "../errors.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { Run } from "./entities/run.ts";
import type { RunReading } from "./figures.ts";
import { FairClaims } from "./fair-claims.ts";
import type { PlaceOwner } from "./fair-places.ts";
import { findDue, findSoonDue, ownersOf, readClaimed, type Claimable } from "./due-runs.ts";
import { Leases } from "./leases.ts";
import type { Claim } from "./new-run.ts";
import type { TurnHost, TurnStops } from "./stage.ts";
import { isOfStore, SetAside } from "./set-aside.ts";
import { WakeSignal } from "./wakes.ts";
import { Suspects, suspectLosses } from "./suspects.ts";
import { StartPace } from "./start-pace.ts";
import { traceparentsOf } from "./trace/trace-context.ts";
import { runTurn } from "./turn.ts";

/** For how many runs that are due before the next sweep there is a timer; others are found a sweep later. */
const maxTimed = 10_000;

/** How many runs one commit claims. */
const maxClaims = 64;

interface Active {
  readonly abort: AbortController;
  readonly end: AbortController;
  readonly wakes: WakeSignal;
  readonly pausing: AbortController;
  readonly drain: AbortController;
  readonly epoch: number;
  readonly done: Promise<void>;
}

/** How a claimed run is advanced. */
interface Advance {
  /** What a cancel has reached it by since it was claimed. */
  readonly end?: AbortController | undefined;
  /** Whether it has a place of its own, or that of the run above it. */
  readonly place?: "OWN" | "ABOVE";
}

/**
 * Claims runs that want a worker and advances them. A ring is a hint that anyone may give and nobody trusts: what may be claimed, the store
 * decides, by lease and epoch; what no ring told of, the sweep finds.
 */
export class EmbeddedEngine {
  readonly #host: TurnHost;
  readonly #options: EngineOptions;
  readonly #active = new Map<string, Active>();
  /** Claimed and about to be at work: a cancel reaches them too. */
  readonly #starting = new Map<string, AbortController>();
  readonly #rung = new Set<string>();
  readonly #leases: Leases;
  readonly #claims: FairClaims;
  readonly #broken: SetAside;
  readonly #starts: StartPace;
  readonly #suspects: Suspects;
  /** Runs are rung for and adopted within others' turns and commits; what frameworks keep in their asynchronous context must not come along. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  #claiming: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];
  /** Runs that are due before the next sweep. */
  readonly #timed = new Map<string, NodeJS.Timeout>();
  #working = false;
  #stopped = false;

  constructor(host: TurnHost, options: EngineOptions) {
    this.#host = host;
    this.#starts = new StartPace(() => host.writer.isWriting);
    this.#options = options;
    this.#leases = new Leases(host, options.leaseMs);
    this.#claims = new FairClaims(options.concurrency);
    this.#broken = new SetAside(host.log, "run to claim");
    this.#suspects = new Suspects(() => void this.#guard(this.sweep()));
  }

  /** How it is now. */
  get reading(): RunReading["engine"] {
    const { places, free } = this.#claims;
    const state = this.#stopped ? "stopped" : this.#working ? "working" : "starting";
    return { state, active: this.#active.size, places, free, sweepMs: this.#options.sweepMs };
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
    if (boot === "takeOver") await this.#leases.endAll(this.#host.stalls.takeNote());
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

  /** A run is due in so many milliseconds; what is due after the next sweep is found by that. */
  ringIn(runId: string, ms: number): void {
    if (this.#stopped || ms > this.#options.sweepMs || this.#timed.has(runId)) return;
    const timer = setTimeout(() => {
      this.#timed.delete(runId);
      this.ring(runId);
    }, ms);
    this.#timed.set(runId, timer);
  }

  /** Something came that a run at work may wait for. */
  wake(runId: string): void {
    this.#active.get(runId)?.wakes.wake();
  }

  /** A run at work is to pause where its turn ends in a wait. */
  pause(runId: string): void {
    const active = this.#active.get(runId);
    active?.pausing.abort(new WeftlineError("RUN_SUSPENDED"));
    active?.wakes.wake();
  }

  /** A hold for a run that is about to be queued, where there is room for one of its owner. */
  claim(owner: PlaceOwner): Claim | undefined {
    if (!this.#working || this.#stopped || !this.#claims.admits(owner)) return undefined;
    return { owner: this.#leases.owner, leaseMs: this.#options.leaseMs };
  }

  /** Advances a run that was queued with a hold of this engine. Starts that share a commit may have been promised the same place. */
  adopt(run: Run): void {
    if (this.#stopped || !this.#claims.admits(run)) return void this.#guard(this.#leases.release(run).then(() => this.ring(run.id)));
    this.#claims.take(run);
    this.#advance(run);
  }

  /**
   * Advances a run below one that is at work here, in that one's place.
   *
   * @returns its turn; nothing where it waits, has ended, or is another's.
   */
  async advanceBelow(runId: string): Promise<{ readonly done: Promise<void> } | undefined> {
    const atWork = this.#active.get(runId);
    if (atWork) return atWork;
    if (!this.#working || this.#stopped || this.#starting.has(runId)) return undefined;
    try {
      for (const run of await readClaimed(this.#host, await this.#claimAll([runId], "all"))) {
        if (this.#stopped) await this.#leases.release(run);
        else this.#advance(run, { end: this.#starting.get(run.id), place: "ABOVE" });
      }
    } finally {
      this.#starting.delete(runId);
    }
    return this.#active.get(runId);
  }

  /** A run at work here is to end. */
  nudge(runId: string, code: ErrorCode, details: Readonly<Record<string, unknown>> = {}): void {
    const end = this.#active.get(runId)?.end ?? this.#starting.get(runId);
    end?.abort(new WeftlineError(code, details));
  }

  /** Rings for what is due or was lost, and in time for what is due before the next sweep. */
  async sweep(): Promise<void> {
    if (this.#stopped) return;
    for (const { id, ms } of await findSoonDue(this.#host.database.read, { withinMs: this.#options.sweepMs, limit: maxTimed })) {
      this.ringIn(id, ms);
    }
    const { free } = this.#claims;
    if (free > 0) for (const id of await findDue(this.#host.database.read, free, this.#claimable)) this.ring(id);
    this.#host.counters.sweptAt = performance.now();
  }

  /**
   * Stops to claim, lets runs at work reach their end or a boundary until the deadline, then leaves the rest to the next process: nothing of them
   * is lost.
   */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const timer of this.#timed.values()) clearTimeout(timer);
    await this.#claiming;
    for (const { drain } of this.#active.values()) drain.abort(new WeftlineError("SHUTTING_DOWN"));
    const late = setTimeout(() => {
      for (const { abort } of this.#active.values()) abort.abort(new WeftlineError("SHUTTING_DOWN"));
    }, deadlineMs);
    await Promise.all([...this.#active.values()].map(({ done }) => done));
    clearTimeout(late);
    this.#suspects.close();
    this.#host.stalls.close();
  }

  #pump(): void {
    if (this.#claiming || this.#stopped) return;
    this.#claiming = this.#guard(this.#claim()).finally(() => {
      this.#claiming = undefined;
      if (this.#pending().length > 0 || this.#claims.ready) this.#pump();
    });
  }

  /** Rung runs that are not at work here already: those may want another turn after this one. */
  #pending(): string[] {
    return [...this.#rung].filter((id) => !this.#active.has(id));
  }

  /** The runs that may have a place now, with their owners where those had to be known. */
  async #next(): Promise<Map<string, PlaceOwner | undefined>> {
    const next = new Map<string, PlaceOwner | undefined>();
    const rung = this.#pending();
    const known = Math.max(0, Math.min(this.#claims.unquestioned, maxClaims));
    for (const id of rung.slice(0, known)) next.set(id, undefined);
    for (const id of rung) this.#rung.delete(id);
    for (const [id, owner] of await ownersOf(this.#host.database.read, rung.slice(known))) this.#claims.wait(id, owner);
    while (next.size < maxClaims) {
      const chosen = this.#claims.next();
      if (!chosen) break;
      next.set(chosen.id, chosen.owner);
    }
    return next;
  }

  async #claim(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const next = await this.#next();
    if (next.size === 0) return;
    const places = new Map([...next].filter((each): each is [string, PlaceOwner] => each[1] !== undefined));
    try {
      const claimed = await this.#claimAll([...next.keys()].toSorted());
      if (claimed.length === 0) return;
      for (const run of await readClaimed(this.#host, claimed)) {
        if (!places.delete(run.id)) this.#claims.take(run);
        this.#advance(run, { end: this.#starting.get(run.id) });
      }
    } finally {
      for (const id of next.keys()) this.#starting.delete(id);
      for (const owner of places.values()) this.#claims.giveBack(owner);
    }
  }

  get #claimable(): Claimable {
    return this.#suspects.isOnTrial ? "no suspects" : "all";
  }

  /** One whose row refuses takes no other with it. @param which a run below one at work is claimed in any case: that one waits for it. */
  async #claimAll(ids: readonly string[], which = this.#claimable): Promise<string[]> {
    const claim = (some: readonly string[]): Promise<string[]> =>
      this.#host.database.commit(async ({ sql, afterCommit }) => {
        const won: string[] = [];
        let lost = 0;
        let suspect: string | undefined;
        for (const id of some) {
          const losses = await this.#leases.claim(sql, id, suspect === undefined ? which : "no suspects");
          if (losses !== undefined) won.push(id);
          if (losses) lost++;
          if (losses !== undefined && losses >= suspectLosses) suspect = id;
        }
        afterCommit(() => {
          this.#host.counters.takeOvers += lost;
          for (const id of won) this.#starting.set(id, new AbortController());
          if (suspect !== undefined) this.#suspects.begin(suspect);
        });
        return won;
      }, "claim");
    const wanted = ids.filter((id) => !this.#broken.has(id));
    try {
      return await claim(wanted);
    } catch (error) {
      if (isOfStore(error)) throw error;
      return (await Promise.all(wanted.map((id) => this.#broken.try(id, () => claim([id]))))).flatMap((won) => won ?? []);
    }
  }

  #advance(run: Run, { end = new AbortController(), place = "OWN" }: Advance = {}): void {
    this.#host.counters.claims++;
    const abort = new AbortController();
    const drain = new AbortController();
    const wakes = new WakeSignal();
    const pausing = new AbortController();
    const done = this.#inOwnContext(() => this.#turn(run, { abort, end, drain: drain.signal, wakes, pausing })).finally(() => {
      this.#active.delete(run.id);
      this.#suspects.end(run.id);
      if (place === "OWN") this.#claims.giveBack(run);
      this.#pump();
    });
    this.#active.set(run.id, { abort, end, drain, wakes, pausing, epoch: run.epoch, done });
  }

  async #turn(run: Run, stops: TurnStops): Promise<void> {
    try {
      this.#host.stalls.begin(run);
      const fail = (error: WeftlineError): void => stops.abort.abort(error);
      await this.#starts.turn();
      await this.#host.uncaught.watch(labelsOf(this.#host, run), fail, () => runTurn(this.#host, run, stops));
    } catch (error) {
      const known = asWeftlineError(error);
      if (known.code === "SHUTTING_DOWN") return void (await this.#guard(this.#leases.release(run)));
      if (known.code === "RUN_FENCED") this.#host.counters.fenced++;
      this.#host.log.warn({ runId: run.id, code: known.code, err: known.cause ?? known }, "a run was left to another owner");
    } finally {
      this.#host.stalls.end(run.id);
    }
  }

  /** Only for runs at work: the lease of one whose turn broke off lapses, so that it is taken over. */
  async #renew(): Promise<void> {
    if (this.#active.size === 0) return;
    const mine = new Map(this.#active);
    const lost = await this.#leases.renew([...mine].map(([id, { epoch }]) => [id, epoch]));
    for (const id of lost) mine.get(id)?.abort.abort(new WeftlineError("RUN_FENCED"));
  }

  async #guard(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#host.log.warn({ err: error }, "the engine will try again");
    }
  }
}

/** What is known of a run, whatever its code does. */
function labelsOf({ lookup }: TurnHost, run: Run): WorkLabels {
  const traceparent = traceparentsOf(lookup, run)(run.id);
  return {
    runId: run.id,
    ...(run.threadId == null ? {} : { threadId: run.threadId }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}
