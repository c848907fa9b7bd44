import { extensionPoint } from "./kernel/refs.ts";
import type { MaybePromise } from "./kernel/spec.ts";

/** What a check of `weftline doctor` found. */
export interface DoctorFinding {
  /** `error` where something does not work, `warning` where it works and will surprise somebody. */
  readonly status: "ok" | "warning" | "error";
  /** One sentence for whoever operates the server. Never a secret. */
  readonly detail: string;
  /** What to do, where there is something to do. */
  readonly fix?: string;
}

/** What a check works with: nothing of the platform runs, and a server may. */
export interface DoctorContext {
  /** The plugin's own configuration, validated. */
  readonly config: unknown;
  /** The plugin's own folder in the data folder, whether it is there or not. */
  readonly folder: string;
  /** Whether simulated models may answer. */
  readonly simulation: "allowed" | "forbidden";
  /** `asked for` where the check may call others over the network; it may not by default. */
  readonly network: "asked for" | "off";
  /** Whether a program would be found: a path from a folder, or a name of the search path. */
  hasProgram(command: string, folder?: string): Promise<boolean>;
  /** Aborts after ten seconds. */
  readonly signal: AbortSignal;
}

/**
 * Looks whether one part of a plugin is set up right. It changes nothing, and what it throws is an error of that part alone.
 *
 * @returns a finding, or one for each of several things.
 */
export type DoctorCheck = (ctx: DoctorContext) => MaybePromise<DoctorFinding | readonly DoctorFinding[]>;

/**
 * Where plugins put checks of `weftline doctor`, by what they check. Contribute them statically, so that they are found without a boot; what needs a
 * running plugin is a check of the health.
 *
 * @example contributes: [contribution(doctorChecks, "mail", ({ config }) => (config.key ? { status: "ok", detail: "A key is set." } : noKey))]
 */
export const doctorChecks = extensionPoint<DoctorCheck>("weftline.doctorChecks");
