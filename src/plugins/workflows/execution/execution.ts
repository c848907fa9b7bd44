import { WeftlineError, isTerminal, type ProgramContext, type Run } from "#weftline";
import { Scheduler } from "../state/scheduler.ts";
import { isCompensated, runOutput, toCompensate } from "../state/outcome.ts";
import { foldUnits, isDone, isOpen, nodeOf, takeRecord, type UnitRecord } from "../state/units.ts";
import type { AttemptHost } from "./attempts/attempt.ts";
import type { CompiledWorkflow } from "./compiled/compiled.ts";
import { Nodes } from "./nodes.ts";
import { MemoryReads, type ReadFacts } from "./memory-reads.ts";
import { Progress } from "./progress.ts";
import { knownUnit } from "../state/late-value.ts";
import { recordOf } from "./records.ts";
import { Rest } from "./rest.ts";
import { suspended, waitsForOf } from "./attempts/suspended.ts";
import { valuesOf } from "./compiled/values.ts";
import { Workers } from "./workers.ts";

/** What a run of a workflow is given. */
export interface ExecutionParts {
  readonly workflow: CompiledWorkflow;
  /** Units at work at once in one run, without those that wait. */
  readonly concurrency: number;
  readonly readFacts: ReadFacts;
  /** Has a fork remember what the run remembers that it begins from. */
  readonly takeOverFacts: () => Promise<void>;
}

/**
 * One turn of a workflow's run: from what the log holds to the end, or to where everything that is left waits. Each unit's end is durable before what
 * depends on it starts.
 */
export class Execution {
  readonly #ctx: ProgramContext;
  readonly #workflow: CompiledWorkflow;
  readonly #units = new Map<string, UnitRecord>();
  readonly #workers: Workers;
  readonly #nodes: Nodes;
  readonly #progress: Progress;
  readonly #rest: Rest;
  readonly #memory: MemoryReads;
  readonly #takeOverFacts: () => Promise<void>;
  #due: ReadonlySet<string> = new Set();
  /** When the next unit that waits comes to its time, as `performance.now()` tells it. */
  #dueAt = Infinity;
  #listens = false;
  /** Whether all that has ended is durable. */
  #isKept = true;
  /** Whether something may have come from outside since it was looked for. */
  #hasNews = true;
  #children: ReadonlyMap<string, Run> = new Map();

  constructor(ctx: ProgramContext, { workflow, concurrency, readFacts, takeOverFacts }: ExecutionParts) {
    this.#ctx = ctx;
    this.#workflow = workflow;
    this.#takeOverFacts = takeOverFacts;
    const memory = (this.#memory = new MemoryReads(ctx, readFacts));
    const attempts: AttemptHost = {
      ctx,
      child: async (id) => this.#children.get(id) ?? (await ctx.state.children([id])).get(id),
      isDue: (stepId) => this.#due.has(stepId),
      takeSignal: (stepId, name) => ctx.state.takeSignal(stepId, name),
    };
    const units = this.#units;
    this.#rest = new Rest([ctx.ending, ctx.pausing]);
    const workers = new Workers({
      places: concurrency,
      keepsPlace: (error) => waitsForOf(error) === "child",
      onSettled: this.#rest.end,
    });
    this.#workers = workers;
    this.#nodes = new Nodes({ ctx, attempts, workflow, units, workers, values: valuesOf({ ctx, workflow, units, memory }) });
    this.#progress = new Progress(ctx, () => this.#nodes.progress());
  }

  /**
   * @returns the run's output.
   * @throws NODE_FAILED, after what succeeded was undone; the reason to end; RUN_SUSPENDED.
   */
  async run(): Promise<unknown> {
    try {
      return await this.#run();
    } finally {
      this.#progress.close();
      this.#rest.close();
    }
  }

  async #run(): Promise<unknown> {
    const steps = await this.#ctx.state.steps();
    for (const step of steps) {
      const record = recordOf(step, this.#ctx.state.contentOf);
      if (record) takeRecord(this.#units, record);
    }
    this.#memory.take(steps, this.#units);
    await this.#readIterations();
    if (this.#units.size === 0) await this.#replay();
    if (this.#ctx.ending.aborted) await this.#childrenEnded();
    const failed = this.#ctx.ending.aborted ? undefined : await this.#goForward();
    if (failed === undefined && !this.#ctx.ending.aborted) return runOutput(this.#workflow.plan, this.#units);
    await this.#stopAll();
    await this.#undo();
    this.#ctx.ending.throwIfAborted();
    throw this.#failureOf(failed ?? "");
  }

  /** Maps and loops that go on need what they go through, and what that came to. */
  async #readIterations(): Promise<void> {
    for (const [key, unit] of this.#units) {
      const node = this.#units.get(nodeOf(key));
      if (node && isOpen(node)) this.#units.set(key, await knownUnit(unit));
    }
  }

  /** A fork begins with what it takes over, all of it in one append. */
  async #replay(): Promise<void> {
    const { state } = this.#ctx;
    const steps = await state.replayed();
    if (steps.length === 0) return;
    await this.#takeOverFacts();
    const units = foldUnits(steps.flatMap((step) => recordOf(step, state.contentOf) ?? []));
    this.#nodes.replay(await Promise.all([...units.values()].map(knownUnit)));
    this.#progress.note();
    await this.#ctx.flush();
  }

  /** @returns the node that failed the run, if one did; nothing where all is done or the run is to end. */
  async #goForward(): Promise<string | undefined> {
    const { plan } = this.#workflow;
    const scheduler = new Scheduler(plan, this.#units);
    await this.#resume([...this.#units.values()].filter(({ key }) => !plan.undoes.has(nodeOf(key))));
    let decision = scheduler.begin();
    for (;;) {
      if (decision.failed !== undefined) return decision.failed;
      if (decision.start.length > 0) await this.#keep();
      if (this.#ctx.ending.aborted) return undefined;
      await this.#pauseIfAsked();
      for (const key of decision.skip) this.#nodes.skip(key);
      for (const key of decision.start) this.#nodes.start(key);
      if (decision.skip.length > 0) this.#progress.note();
      if (this.#ctx.ending.aborted) return undefined;
      if (this.#nodes.isIdle && !scheduler.hasWaiting) return undefined;
      decision = scheduler.next(await this.#settled());
    }
  }

  /** Goes on with what earlier turns began, as far as its time is not over. */
  async #resume(units: readonly UnitRecord[]): Promise<void> {
    const isTimed = units.some((unit) => unit.hasDue && isOpen(unit));
    this.#nodes.resume(units, new Set(isTimed ? (await this.#ctx.state.due()).ids : []));
  }

  /** Makes durable what has ended, before what depends on it starts. */
  async #keep(): Promise<void> {
    if (!this.#isKept) await this.#ctx.flush();
    this.#isKept = true;
  }

  /** Nothing more is started; what is at work comes to its end first. @throws the reason to pause */
  async #pauseIfAsked(): Promise<void> {
    const { pausing } = this.#ctx;
    if (!pausing.aborted) return;
    this.#workers.hold();
    while (this.#workers.isBusy || this.#workers.hasSettled) {
      if (this.#nodes.takeEnded().length > 0) continue;
      if (this.#workers.isBusy && !this.#workers.hasSettled) await this.#rest.begin();
      if (this.#ctx.ending.aborted) return this.#workers.goOn();
    }
    await this.#ctx.flush();
    pausing.throwIfAborted();
  }

  /** Waits for something to end, and says so. @returns the nodes that ended. @throws RUN_SUSPENDED where everything waits. */
  async #settled(): Promise<readonly string[]> {
    for (;;) {
      const ended = this.#nodes.takeEnded();
      // Also where nothing has ended yet: a map that failed ends with the runs below its items.
      await this.#cancelStopped();
      if (ended.length > 0) {
        this.#isKept = false;
        this.#progress.note();
        return ended;
      }
      if (this.#ctx.ending.aborted || this.#ctx.pausing.aborted) return [];
      await this.#sleep();
    }
  }

  /** Until a unit settles, something comes from outside, or a time is over. @throws RUN_SUSPENDED where everything waits. */
  async #sleep(): Promise<void> {
    if (this.#workers.hasSettled) return;
    const looks = this.#nodes.takeNewWaits() || this.#hasNews || performance.now() >= this.#dueAt;
    if (this.#nodes.hasWaiting && looks) await this.#look();
    if (this.#workers.hasSettled) return;
    if (!this.#workers.isBusy) throw suspended("decision");
    if (!this.#nodes.hasWaiting) return this.#rest.begin();
    // What came while it looked is looked at before it sleeps.
    if (!this.#hasNews) await this.#rest.begin(this.#dueAt - performance.now());
  }

  /** One listener at a time, however often it sleeps before the next wake. */
  #listen(): void {
    if (this.#listens) return;
    this.#listens = true;
    void this.#awaitNews();
  }

  async #awaitNews(): Promise<void> {
    await this.#ctx.state.nextWake;
    this.#listens = false;
    this.#hasNews = true;
    this.#rest.end();
  }

  /** Looks at what came from outside: decisions, ends of children, times. Units that may go on do. */
  async #look(): Promise<void> {
    const { state } = this.#ctx;
    this.#hasNews = false;
    this.#listen();
    await this.#ctx.flush();
    const fromOutside = await state.reload();
    const waiting = this.#nodes.waitingChildren;
    this.#children = await state.children(waiting);
    const { ids, nextInMs } = await state.due();
    this.#due = new Set(ids);
    this.#dueAt = nextInMs === undefined ? Infinity : performance.now() + nextInMs;
    this.#nodes.wake({ fromOutside, due: this.#due, ended: (id) => hasEnded(this.#children.get(id)) });
  }

  /** A turn that begins when the run is to end goes on with nothing: what runs below do about it comes first. @throws RUN_SUSPENDED while one is open */
  async #childrenEnded(): Promise<void> {
    const { state } = this.#ctx;
    // What comes from here on wakes the run again.
    await state.reload();
    const started = this.#startedRuns();
    const children = await state.children([...started.keys()]);
    const open = [...children.values()].filter((child) => !hasEnded(child));
    if (open.length === 0) {
      // What succeeded is undone, also where nobody has seen yet that it did.
      this.#nodes.resume(
        [...started].flatMap(([id, unit]) => (children.get(id)?.status === "SUCCEEDED" ? [unit] : [])),
        new Set(),
      );
      return this.#finish(() => this.#nodes.isIdle);
    }
    // What is due of what ends does not wake it over and over until then.
    await state.due();
    await state.cancel(
      open.map(({ id }) => id),
      "The run above is to end.",
    );
    throw suspended("child");
  }

  /** Runs below that units wait for, but those that undo something. */
  #startedRuns(): ReadonlyMap<string, UnitRecord> {
    const { undoes } = this.#workflow.plan;
    const waiting = [...this.#units.values()].filter(({ key, status }) => status === "RUNNING" && !undoes.has(nodeOf(key)));
    return new Map(waiting.flatMap((unit) => (unit.childRunId === undefined ? [] : [[unit.childRunId, unit] as const])));
  }

  /** Ends what is at work or waits; a run below this one is cancelled, and its unit ends when that has. */
  async #stopAll(): Promise<void> {
    this.#nodes.stop();
    await this.#cancelStopped();
    await this.#finish(() => this.#nodes.isIdle);
  }

  /** Goes on until then. */
  async #finish(isOver: () => boolean): Promise<void> {
    for (;;) {
      this.#nodes.takeEnded();
      await this.#cancelStopped();
      await this.#ctx.flush();
      if (isOver()) return;
      await this.#sleep();
    }
  }

  async #cancelStopped(): Promise<void> {
    const { children, asking } = this.#nodes.takeStopped();
    if (children.length + asking.length === 0) return;
    await this.#ctx.flush();
    if (asking.length > 0) await this.#ctx.state.withdraw(asking);
    if (children.length > 0) await this.#ctx.state.cancel(children, "Another part of the workflow failed.");
  }

  /** Undoes what succeeded, the last first, one after the other. */
  async #undo(): Promise<void> {
    const { plan } = this.#workflow;
    const undoing = [...this.#units.values()].filter(({ key }) => plan.undoes.has(nodeOf(key)));
    await this.#resume(undoing.filter((unit) => !isDone(unit)));
    for (const unit of toCompensate(plan, this.#units)) {
      if (isCompensated(plan, this.#units, unit.key)) continue;
      const undo = plan.nodes.get(unit.key)?.undo ?? "";
      if (!this.#nodes.isActive(undo)) this.#nodes.start(undo);
      await this.#finish(() => !this.#nodes.isActive(undo));
    }
  }

  #failureOf(node: string): WeftlineError {
    const error = this.#units.get(node)?.error ?? "It was stopped.";
    return new WeftlineError("NODE_FAILED", { node, problem: error });
  }
}

/** Also one that was not started, since the run above it is being cancelled. */
function hasEnded(run: Run | undefined): boolean {
  return run === undefined || isTerminal(run.status);
}
