import type { LoggedEvent } from "#weftline";
import type { AgentPhase, RunPhase } from "./state.ts";

/** An open run as it is found in the database, with the calls that may still start. */
export interface SeededRun extends RunPhase {
  readonly calls: readonly { readonly num: number; readonly name: string; readonly state: "requested" | "running" }[];
}

interface TrackedRun {
  phase: AgentPhase;
  /** Names of the calls that were asked for, by their number in the run. */
  readonly names: Map<number, string>;
  readonly running: Set<number>;
}

interface Numbers {
  readonly c?: number;
  readonly name?: string;
}

/** Follows what the open runs of one thread are at: from what the database says of them once, and from their events since. */
export class Phases {
  readonly #runs = new Map<string, TrackedRun>();
  /** Events from before the seed: none of them is older than what it lacks, so they are applied to it in their order. */
  #early: LoggedEvent[] | undefined = [];

  /** @returns whether a phase changed. */
  hear(event: LoggedEvent): boolean {
    const { runId } = event;
    if (runId === undefined) return false;
    if (this.#early) {
      this.#early.push(event);
      return false;
    }
    const before = this.#shown(runId);
    this.#apply(runId, event);
    return before !== this.#shown(runId);
  }

  /** Adds the runs that were open when listening had begun. */
  seed(runs: readonly SeededRun[]): void {
    for (const { runId, phase, calls } of runs) {
      const tracked = this.#open(runId, phase);
      for (const { num, name, state } of calls) {
        tracked.names.set(num, name);
        if (state === "running") tracked.running.add(num);
      }
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.hear(event);
  }

  list(): RunPhase[] {
    return [...this.#runs].map(([runId, run]) => ({ runId, phase: run.phase, toolName: toolOf(run) }));
  }

  #shown(runId: string): string | undefined {
    const run = this.#runs.get(runId);
    return run && `${run.phase} ${toolOf(run) ?? ""}`;
  }

  #open(runId: string, phase: AgentPhase): TrackedRun {
    const run: TrackedRun = { phase, names: new Map(), running: new Set() };
    this.#runs.set(runId, run);
    return run;
  }

  #enter(runId: string, phase: AgentPhase): TrackedRun {
    const run = this.#runs.get(runId) ?? this.#open(runId, phase);
    run.phase = phase;
    return run;
  }

  #apply(runId: string, { kind, payload }: LoggedEvent): void {
    switch (kind) {
      case "run.queued":
      case "run.waiting":
      case "run.paused":
        this.#enter(runId, "WAITING").running.clear();
        return;
      case "run.started":
      case "run.resumed":
      case "message.started":
        this.#enter(runId, "THINKING");
        return;
      case "message.finished":
        this.#enter(runId, this.#runs.get(runId)?.running.size ? "CALLING_TOOL" : "THINKING");
        return;
      case "message.delta":
        this.#enter(runId, (payload as readonly unknown[])[3] === 1 ? "THINKING" : "WRITING");
        return;
      case "run.finished":
      case "run.failed":
      case "run.cancelled":
      case "run.expired":
        this.#runs.delete(runId);
        return;
      default:
        if (kind.startsWith("tool.")) this.#applyCall(runId, kind, payload as Numbers);
    }
  }

  #applyCall(runId: string, kind: string, { c = 0, name }: Numbers): void {
    const run = this.#runs.get(runId);
    if (kind === "tool.requested") (run ?? this.#open(runId, "THINKING")).names.set(c, name ?? "");
    else if (kind === "tool.started") this.#enter(runId, "CALLING_TOOL").running.add(c);
    else if (kind === "tool.finished" && run) {
      run.names.delete(c);
      run.running.delete(c);
      if (run.phase === "CALLING_TOOL" && run.running.size === 0) run.phase = "THINKING";
    }
  }
}

/** The tool that was started last of those at work. */
function toolOf(run: TrackedRun): string | null {
  if (run.phase !== "CALLING_TOOL") return null;
  const last = [...run.running].at(-1);
  return (last === undefined ? undefined : run.names.get(last)) || null;
}
