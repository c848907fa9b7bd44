import type { KnownProgram, LoggedEvent } from "#weftline";
import { Names, otherName } from "./labels.ts";
import { OpenParts } from "./open-parts.ts";
import { Counts, Histograms } from "./series.ts";

/** Seconds that calls and runs take: from what a cache answers to what waits for a person. */
const callBounds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const runBounds = [0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 86_400];

/** Statuses of runs that ended, by the kind of the event that ended them. */
const endings: Readonly<Record<string, string>> = {
  "run.finished": "SUCCEEDED",
  "run.failed": "FAILED",
  "run.cancelled": "CANCELLED",
  "run.expired": "EXPIRED",
};

/** Providers come with bindings, of which there are few. */
const mostProviders = 20;

interface ModelLabels {
  provider: string;
  model: string;
}

interface ModelCall extends ModelLabels {
  readonly startedAt: number;
}

/** What of a payload is read; all of it may be missing. */
interface Payload {
  readonly s?: number;
  readonly c?: number;
  readonly ms?: number;
  readonly name?: string;
  readonly status?: string;
  readonly stepKind?: string;
  readonly provenance?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly problem?: string;
  readonly records?: readonly unknown[];
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
  readonly reasoningTokens?: number;
}

/** Whose names may stand in a label. */
export interface RunMetricsHost {
  programOf(runId: string): KnownProgram | undefined;
  /** Whether the tool is one that a plugin brings: names that tenants chose are theirs. */
  isInstalledTool(name: string): boolean;
  readonly namesPerLabel: number;
}

/** Counts what the log says of runs, model calls and tools, as it is written. A delta costs one comparison. */
export class RunMetrics {
  readonly ended = new Counts<"status" | "framework" | "provenance">();
  readonly runSeconds = new Histograms<"status">(runBounds);
  readonly modelCalls = new Counts<"provider" | "model" | "status">();
  readonly modelSeconds = new Histograms<"provider" | "model">(callBounds);
  readonly tokens = new Counts<"provider" | "model" | "kind">();
  readonly toolCalls = new Counts<"tool" | "status">();
  readonly toolSeconds = new Histograms<"tool">(callBounds);
  readonly recalls = new Counts<"outcome">();
  queued = 0;
  interrupts = 0;
  recalledRecords = 0;
  readonly #host: RunMetricsHost;
  readonly #tools: Names;
  readonly #models: Names;
  readonly #providers: Names;
  readonly #runs = new OpenParts<number>();
  readonly #steps = new OpenParts<ModelCall>();
  readonly #calls = new OpenParts<string>();

  constructor(host: RunMetricsHost) {
    this.#host = host;
    this.#tools = new Names(host.namesPerLabel);
    this.#models = new Names(host.namesPerLabel);
    this.#providers = new Names(Math.min(mostProviders, host.namesPerLabel));
  }

  hear(events: readonly LoggedEvent[]): void {
    for (const event of events) if (event.kind !== "message.delta" && event.runId !== undefined) this.#note(event, event.runId);
  }

  #note({ kind, at, payload }: LoggedEvent, runId: string): void {
    const said = payload as Payload;
    switch (kind) {
      case "run.queued":
        this.queued++;
        return this.#runs.begin(runId, at);
      case "step.started":
        return said.stepKind === "MODEL" ? this.#steps.begin(`${runId}.${said.s}`, { ...this.#modelOf(runId), startedAt: at }) : undefined;
      case "usage.recorded":
        return this.#usage(runId, said);
      case "step.finished":
        return this.#stepEnded(runId, said, at);
      case "tool.requested":
        return this.#calls.begin(`${runId}.${said.c}`, this.#toolOf(said.name ?? ""));
      case "tool.finished":
        return this.#callEnded(runId, said);
      case "interrupt.raised":
        this.interrupts++;
        return undefined;
      case "memory.recalled":
        this.recalledRecords += said.records?.length ?? 0;
        return this.recalls.add({ outcome: said.problem === undefined ? "SUCCESS" : "ERROR" });
      default:
        return kind in endings ? this.#ended(runId, endings[kind] ?? "", { at, provenance: said.provenance }) : undefined;
    }
  }

  #ended(runId: string, status: string, { at, provenance }: { readonly at: number; readonly provenance: string | undefined }): void {
    const framework = this.#host.programOf(runId)?.framework ?? "none";
    this.ended.add({ status, framework, provenance: provenance ?? "none" });
    const queuedAt = this.#runs.end(runId);
    if (queuedAt !== undefined) this.runSeconds.take({ status }, Math.max(0, at - queuedAt) / 1_000);
  }

  #usage(runId: string, said: Payload): void {
    const labels = this.#labelsOf(said);
    const step = said.s === undefined ? undefined : this.#steps.of(`${runId}.${said.s}`);
    if (step) Object.assign(step, labels);
    // A call that is no step of its own has come to its end with this.
    else if (said.s === undefined) this.modelCalls.add({ ...labels, status: "SUCCEEDED" });
    const kinds = {
      input: said.inputTokens,
      output: said.outputTokens,
      cached_input: said.cachedInputTokens,
      reasoning: said.reasoningTokens,
    };
    for (const [kind, tokens] of Object.entries(kinds)) if (tokens) this.tokens.add({ ...labels, kind }, tokens);
  }

  /** A step that something else broke off was not timed where it ran. */
  #stepEnded(runId: string, { s, status = "", ms }: Payload, at: number): void {
    const call = this.#steps.end(`${runId}.${s}`);
    if (!call) return;
    const { provider, model, startedAt } = call;
    this.modelCalls.add({ provider, model, status });
    this.modelSeconds.take({ provider, model }, (ms ?? Math.max(0, at - startedAt)) / 1_000);
  }

  #callEnded(runId: string, { c, status = "", ms }: Payload): void {
    const tool = this.#calls.end(`${runId}.${c}`) ?? otherName;
    this.toolCalls.add({ tool, status });
    if (ms !== undefined) this.toolSeconds.take({ tool }, ms / 1_000);
  }

  #modelOf(runId: string): ModelLabels {
    return this.#labelsOf(this.#host.programOf(runId) ?? {});
  }

  #labelsOf({ provider = "none", model = "none" }: { readonly provider?: string; readonly model?: string }): ModelLabels {
    return { provider: this.#providers.of(provider), model: this.#models.of(model) };
  }

  #toolOf(name: string): string {
    return this.#host.isInstalledTool(name) ? this.#tools.of(name) : otherName;
  }
}
