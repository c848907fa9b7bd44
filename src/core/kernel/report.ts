import { WeftlineError, messageOf } from "../errors.ts";

/** The phases of a boot, in order. `close` is their reverse and has no entry of its own in a report. */
export type Phase = "load" | "configure" | "resolve" | "compose" | "migrate" | "setup" | "serve" | "ready";

export type PluginState = "READY" | "DISABLED" | "UNAVAILABLE" | "FAILED";

/** How one plugin came through the boot. */
export interface PluginReport {
  readonly id: string;
  state: PluginState;
  reason?: string | undefined;
  fix?: string | undefined;
  /** How long its setup took, in milliseconds. */
  setupMs?: number;
}

/** One thing that is wrong, whose it is, and what mends it. */
export interface Problem {
  readonly phase: Phase;
  readonly plugin?: string;
  readonly error: WeftlineError;
}

/** What happened at a boot: times, plugins, problems. Filled as the phases run. */
export class BootReport {
  /** How long each phase took, in milliseconds, also where it failed. */
  readonly phases: { readonly phase: Phase; readonly ms: number }[] = [];
  readonly plugins = new Map<string, PluginReport>();
  readonly problems: Problem[] = [];

  /** Notes a problem. Of what is not a {@link WeftlineError} the words are kept: the reader owns the machine. */
  add(phase: Phase, error: unknown, plugin?: string): void {
    const known = error instanceof WeftlineError ? error : unexpected(phase, error, plugin);
    const owner = plugin ?? known.details.plugin;
    this.problems.push({ phase, error: known, ...(owner === undefined ? {} : { plugin: owner }) });
  }

  /** @throws BOOT_FAILED with all problems of the phases run so far. */
  stopOnProblems(): void {
    if (this.problems.length === 0) return;
    throw new WeftlineError("BOOT_FAILED", { report: this.print(), problems: this.problems }, { cause: this.problems[0]?.error });
  }

  /** The report for a terminal: the problems and what was left out before them, or a line a plugin where all is well. */
  print(): string {
    if (this.problems.length === 0) return [...this.plugins.values()].map(lineOf).join("\n");
    const atFault = new Set(this.problems.map(({ plugin }) => plugin));
    const leftOut = [...this.plugins.values()].filter(({ id, state }) => state === "FAILED" && !atFault.has(id));
    const problems = this.problems.map(({ phase, error }) => `  ✗ ${phase}: [${error.code}] ${error.message}\n    → ${error.fix}`);
    return [...leftOut.map(lineOf), ...problems].join("\n");
  }
}

function unexpected(phase: Phase, error: unknown, plugin: string | undefined): WeftlineError {
  const problem = messageOf(error);
  if (plugin === undefined)
    return new WeftlineError("INTERNAL", { message: problem, fix: "See the cause of this error." }, { cause: error });
  if (phase === "configure") return new WeftlineError("PLUGIN_CONFIG_INVALID", { plugin, problems: problem }, { cause: error });
  return new WeftlineError("PLUGIN_SETUP_FAILED", { plugin, problem }, { cause: error });
}

function lineOf({ id, state, reason, fix, setupMs }: PluginReport): string {
  const took = setupMs === undefined ? "" : `  ${setupMs.toFixed(1)} ms`;
  const why = state === "READY" && reason === undefined ? "" : `  ${[state, reason].filter(Boolean).join(": ")}${fix ? ` → ${fix}` : ""}`;
  return `  ${state === "READY" ? "✓" : "–"} ${id}${took}${why}`;
}
