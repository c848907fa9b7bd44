import { faultOf } from "../../core/database/examine.ts";
import type { DoctorFinding } from "../../core/doctor-checks.ts";
import { WeftlineError, messageOf } from "../../core/errors.ts";
import type { Problem } from "../../core/kernel/report.ts";
import type { Composition } from "../../core/compose.ts";
import type { WeftlineConfig } from "../../core/config.ts";
import type { Kernel } from "../../core/kernel/kernel.ts";

/** What the checks share: as much of the host as could be read. */
export interface Patient {
  readonly config: WeftlineConfig | undefined;
  /** The configuration's file, where it was found. */
  readonly configFile: string | undefined;
  readonly kernel: Kernel | undefined;
  readonly composition: Composition | undefined;
  readonly dataDir: string;
  readonly network: "asked for" | "off";
  readonly repair: "asked for" | "off";
  /** `thorough` reads all of the database and of the files. */
  readonly depth: "quick" | "thorough";
}

/** One finding, and what it is about. */
export interface Finding extends DoctorFinding {
  /** As in `database`; a plugin's own has its id before it, as in `models.openai`. */
  readonly check: string;
}

/** Looks at one part. */
export interface Check {
  readonly name: string;
  run(patient: Patient): Promise<readonly DoctorFinding[]> | readonly DoctorFinding[];
}

export const ok = (detail: string): DoctorFinding => ({ status: "ok", detail });
export const warning = (detail: string, fix?: string): DoctorFinding => ({
  status: "warning",
  detail,
  ...(fix === undefined ? {} : { fix }),
});
export const failed = (detail: string, fix?: string): DoctorFinding => ({ status: "error", detail, ...(fix === undefined ? {} : { fix }) });

/** How long a check may take that asks others, in milliseconds. */
const patienceMs = 10_000;

/** Runs one check: what it throws is a finding of it, and keeps no other from its turn. */
export async function findingsOf(
  name: string,
  run: () => Promise<readonly DoctorFinding[]> | readonly DoctorFinding[],
): Promise<Finding[]> {
  try {
    return (await run()).map((finding) => ({ check: name, ...finding }));
  } catch (error) {
    return thrown(error).map((finding) => ({ check: name, ...finding }));
  }
}

/** Looks into the database. That it cannot be read is a finding of its own check, and not of all. */
export async function whereReadable(look: () => Promise<DoctorFinding[]>): Promise<DoctorFinding[]> {
  try {
    return await look();
  } catch (error) {
    if (faultOf(error) === undefined) throw error;
    return [warning("Not looked at: the database cannot be read.")];
  }
}

/** What an error says, each problem of a boot for itself. */
export function thrown(error: unknown): DoctorFinding[] {
  if (!(error instanceof WeftlineError)) return [failed(messageOf(error))];
  const problems = (error.details["problems"] as readonly Problem[] | undefined) ?? [];
  if (error.code !== "BOOT_FAILED" || problems.length === 0) return [failed(`${error.message} [${error.code}]`, error.fix)];
  return problems.map(({ plugin, error: { message, code, fix } }) =>
    failed(`${plugin === undefined ? "" : `${plugin}: `}${message} [${code}]`, fix),
  );
}

/** Time for one check. */
export const patience = (): AbortSignal => AbortSignal.timeout(patienceMs);
