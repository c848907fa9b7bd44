import {
  isFinal,
  type Asked,
  type Failure,
  type PlannedNode,
  type RunData,
  type RunStatus,
  type StepStatus,
  type Usage,
  type WatchedEvent,
} from "./events.ts";

/** A node, or one item or round of it, as far as it has come. */
export interface Unit {
  readonly key: string;
  readonly nodeKey: string;
  readonly iteration?: number | undefined;
  stepId: string;
  attempt: number;
  status: StepStatus;
  startedAt: number;
  durationMs?: number | undefined;
  error?: string | undefined;
  childRunId?: string | undefined;
}

/** A run, as far as it has come. */
export interface RunView {
  readonly id: string;
  name?: string | undefined;
  framework?: string | undefined;
  status: RunStatus;
  isSimulated: boolean;
  startedAt?: number | undefined;
  durationMs?: number | undefined;
  failure?: Failure | undefined;
  output?: unknown;
  /** By their keys, in the order in which they began. */
  readonly units: Map<string, Unit>;
  /** The end of what its newest message says. */
  text: string;
  /** The tool that it calls now. */
  tool?: string | undefined;
}

/** What a step that began says, from an event or a list. */
export interface BegunStep {
  readonly stepId: string;
  readonly key: string;
  readonly attempt: number;
  readonly nodeKey: string | null;
  readonly iteration: number | null;
  readonly startedAt: number;
  readonly childRun: RunData | null;
}

/** How a step ended. */
export interface EndedStep {
  readonly stepId: string;
  readonly stepStatus: StepStatus;
  readonly error: string | null;
  readonly durationMs: number | null;
}

/** As much of a message as a terminal shows. */
const maxTail = 2_000;

/**
 * A run and those below it, folded from events. Every event may come again, and what is read beside the events may be newer than they are: what has
 * ended stays ended.
 */
export class RunTree {
  readonly rootId: string;
  readonly plan: readonly PlannedNode[];
  readonly runs = new Map<string, RunView>();
  readonly pending = new Map<string, Asked>();
  /** How many items a map goes over, by the key of its node in the root. */
  readonly totals = new Map<string, number>();
  progress: { readonly done: number; readonly total: number | null } | undefined;
  seq = 0;
  readonly #steps = new Map<string, Unit>();
  readonly #messageRuns = new Map<string, { readonly run: RunView; readonly isShown: boolean }>();
  readonly #calls = new Map<string, string>();
  readonly #usage = new Map<string, Usage>();

  constructor(rootId: string, plan: readonly PlannedNode[]) {
    this.rootId = rootId;
    this.plan = plan;
    this.#run(rootId);
  }

  get root(): RunView {
    return this.#run(this.rootId);
  }

  /** All model calls of the tree. */
  get usage(): Usage {
    return sumOf([...this.#usage.values()]);
  }

  unitOf(stepId: string): Unit | undefined {
    return this.#steps.get(stepId);
  }

  /** The node that asks something, and those above it, as in `research > check`; nothing where that is not known. */
  askerOf({ run, step }: Asked): string | undefined {
    const path: string[] = [];
    let runId = run?.id;
    if (step && step.nodeKey !== null) path.push(this.#nameOf(runId, step.nodeKey, step.key));
    while (runId !== undefined && runId !== this.rootId) {
      const above = this.#startedBy(runId);
      if (above) path.unshift(this.#nameOf(above.run.id, above.unit.nodeKey, above.unit.key));
      runId = above?.run.id;
    }
    return path.length === 0 ? undefined : path.join(" > ");
  }

  #nameOf(runId: string | undefined, nodeKey: string, key: string): string {
    if (key !== nodeKey || runId !== this.rootId) return key;
    return this.plan.find((node) => node.key === key)?.name ?? key;
  }

  #startedBy(runId: string): { readonly run: RunView; readonly unit: Unit } | undefined {
    for (const run of this.runs.values()) for (const unit of run.units.values()) if (unit.childRunId === runId) return { run, unit };
    return undefined;
  }

  apply(event: WatchedEvent): void {
    this.seq = Math.max(this.seq, event.seq);
    const run = this.#run(event.runId);
    switch (event.__typename) {
      case "RunSnapshotEvent":
        return this.#takeSnapshot(event);
      case "RunStatusEvent":
        return this.#takeStatus(run, event);
      case "StepStartedEvent":
        return this.noteStarted(run.id, { ...event, startedAt: Date.parse(event.at) });
      case "StepFinishedEvent":
        return this.noteFinished(event);
      case "MessageStartedEvent": {
        const isShown = event.role === "ASSISTANT";
        this.#messageRuns.set(event.messageId, { run, isShown });
        if (isShown) run.text = "";
        return;
      }
      case "MessageDeltaEvent":
        if (event.channel === "TEXT" && this.#messageRuns.get(event.messageId)?.isShown !== false) run.text = tailOf(run.text + event.text);
        return;
      case "MessageFinishedEvent":
        if (this.#messageRuns.get(event.messageId)?.isShown !== false && event.text !== "") run.text = tailOf(event.text);
        this.#messageRuns.delete(event.messageId);
        return;
      case "ToolRequestedEvent":
        this.#calls.set(event.toolCallId, event.name);
        run.tool = event.name;
        return;
      case "ToolFinishedEvent":
        if (run.tool === this.#calls.get(event.toolCallId)) run.tool = undefined;
        this.#calls.delete(event.toolCallId);
        return;
      case "InterruptEvent":
        if (event.interruptStatus === "PENDING" && event.interrupt?.status === "PENDING")
          this.pending.set(event.interruptId, event.interrupt);
        else this.pending.delete(event.interruptId);
        return;
      case "UsageRecordedEvent":
        this.#usage.set(run.id, sumOf([this.#usage.get(run.id), event.usage]));
        if (event.usage.cost?.priceSource === "simulated") this.#markSimulated(run);
        return;
      case "ProgressEvent":
        if (run.id === this.rootId) this.progress = event.progress;
        return;
      default:
    }
  }

  /** A step of a run that began; those of no node are not shown. */
  noteStarted(runId: string, { stepId, key, attempt, nodeKey, iteration, startedAt, childRun }: BegunStep): void {
    if (nodeKey === null) return;
    const { units } = this.#run(runId);
    const known = units.get(key);
    if (childRun) this.noteRun(childRun);
    if (known && (known.stepId === stepId || known.attempt > attempt)) return;
    const unit: Unit = {
      key,
      nodeKey,
      ...(iteration === null ? {} : { iteration }),
      stepId,
      attempt,
      status: "RUNNING",
      startedAt,
      ...(childRun ? { childRunId: childRun.id } : {}),
    };
    units.set(key, unit);
    this.#steps.set(stepId, unit);
  }

  noteFinished({ stepId, stepStatus, error, durationMs }: EndedStep): void {
    const unit = this.#steps.get(stepId);
    if (!unit || unit.stepId !== stepId) return;
    unit.status = stepStatus;
    unit.error = error ?? undefined;
    unit.durationMs = durationMs ?? undefined;
  }

  /** A run as the graph has it now. */
  noteRun({ id, status, targetName, provenance, startedAt, durationMs, failure, target }: RunData): void {
    const run = this.#run(id);
    run.name = targetName;
    if (target?.framework) run.framework = target.framework.name;
    if (!isFinal(run.status)) run.status = status;
    if (startedAt !== null) run.startedAt ??= Date.parse(startedAt);
    run.durationMs ??= durationMs ?? undefined;
    run.failure ??= failure ?? undefined;
    if (provenance === "SIMULATED") this.#markSimulated(run);
  }

  #takeSnapshot({ runs, interrupts, messages }: Extract<WatchedEvent, { __typename: "RunSnapshotEvent" }>): void {
    for (const run of runs) {
      this.noteRun(run);
      this.#usage.set(run.id, run.usage);
    }
    this.pending.clear();
    for (const asked of interrupts) this.pending.set(asked.id, asked);
    for (const { id, role, status, text, run } of messages) {
      const isShown = role === "ASSISTANT";
      if (!run) continue;
      if (isShown) this.#run(run.id).text = tailOf(text);
      if (status === "STREAMING") this.#messageRuns.set(id, { run: this.#run(run.id), isShown });
    }
  }

  #takeStatus(run: RunView, event: Extract<WatchedEvent, { __typename: "RunStatusEvent" }>): void {
    const { runStatus, provenance, failure, output, at } = event;
    if (isFinal(run.status) && !isFinal(runStatus)) return;
    run.status = runStatus;
    if (runStatus === "RUNNING") run.startedAt ??= Date.parse(at);
    if (provenance === "SIMULATED") this.#markSimulated(run);
    if (!isFinal(runStatus)) return;
    run.failure = failure ?? undefined;
    run.output = output;
    run.tool = undefined;
    if (run.startedAt !== undefined) run.durationMs = Date.parse(at) - run.startedAt;
  }

  /** A workflow is simulated where any answer below it was. */
  #markSimulated(run: RunView): void {
    run.isSimulated = true;
    this.root.isSimulated = true;
  }

  #run(id: string): RunView {
    const known = this.runs.get(id);
    if (known) return known;
    const run: RunView = { id, status: "QUEUED", isSimulated: false, units: new Map(), text: "" };
    this.runs.set(id, run);
    return run;
  }
}

/** The end of a text, never half a character. */
function tailOf(text: string): string {
  const tail = text.slice(-maxTail);
  return tail.isWellFormed() ? tail : tail.slice(1);
}

function sumOf(parts: readonly (Usage | undefined)[]): Usage {
  return parts.reduce<Usage>((sum, part) => (part ? added(sum, part) : sum), { totalTokens: 0, unpricedCalls: 0, cost: null });
}

/** Amounts of several currencies have no sum: the first is kept and the others count as calls without a price. */
function added(a: Usage, b: Usage): Usage {
  const fits = a.cost === null || b.cost === null || a.cost.currency === b.cost.currency;
  const [first, second] = [a.cost ?? b.cost, a.cost === null || !fits ? null : b.cost];
  const priceSource = first && second && first.priceSource !== second.priceSource ? "several" : (first?.priceSource ?? "");
  return {
    totalTokens: a.totalTokens + b.totalTokens,
    unpricedCalls: a.unpricedCalls + b.unpricedCalls + (fits ? 0 : 1),
    cost: first && { amount: String(Number(first.amount) + Number(second?.amount ?? 0)), currency: first.currency, priceSource },
  };
}
