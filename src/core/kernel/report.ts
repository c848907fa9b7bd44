import { WeftlineError, asWeftlineError, messageOf } from "../errors.ts";

/** The phases of a boot, in order. `close` is their reverse and has no entry of its own in a report. */
export type Phase = "load" | "configure" | "resolve" | "compose" | "migrate" | "setup" | "ready" | "serve";

export type PluginState = "READY" | "DISABLED" | "UNAVAILABLE" | "FAILED";

/** How one plugin came through the boot. */
export interface PluginReport {
  readonly id: string;
  state: PluginState;
  reason?: string;
  fix?: string;
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
  readonly phases: { readonly phase: Phase; readonly ms: number }[] = [];
  readonly plugins = new Map<string, PluginReport>();
  readonly problems: Problem[] = [];

  /** Notes a problem; what is not a {@link WeftlineError} is taken for a failed setup. */
  add(phase: Phase, error: unknown, plugin?: string): void {
    const known =
      error instanceof WeftlineError || plugin === undefined
        ? asWeftlineError(error)
        : new WeftlineError("PLUGIN_SETUP_FAILED", { plugin, problem: messageOf(error) }, { cause: error });
    const owner = plugin ?? known.details.plugin;
    this.problems.push({ phase, error: known, ...(owner === undefined ? {} : { plugin: owner }) });
  }

  /** @throws BOOT_FAILED with all problems of the phases run so far. */
  stopOnProblems(): void {
    if (this.problems.length === 0) return;
    throw new WeftlineError("BOOT_FAILED", { report: this.print(), problems: this.problems }, { cause: this.problems[0]?.error });
  }

  /** The report for a terminal: a line a problem, or a line a plugin where all is well. */
  print(): string {
    if (this.problems.length > 0) {
      return this.problems.map(({ phase, error }) => `  ✗ ${phase}: [${error.code}] ${error.message}\n    → ${error.fix}`).join("\n");
    }
    return [...this.plugins.values()]
      .map(({ id, state, reason, setupMs }) => `  ${state === "READY" ? "✓" : "–"} ${id}${setupMs === undefined ? "" : `  ${setupMs.toFixed(1)} ms`}${reason ? `  ${state}: ${reason}` : ""}`)
      .join("\n");
  }
}
