import type { RunStatus } from "./events.ts";

/** What the exit codes of `weftline run` mean. */
export const runExitCodes = {
  succeeded: 0,
  failed: 1,
  /** The command line, the file or the input is not valid: nothing ran. */
  usage: 2,
  cancelled: 3,
  expired: 4,
  /** The run goes on without who watched it. */
  detached: 130,
} as const;

const byStatus: Partial<Record<RunStatus, number>> = {
  SUCCEEDED: runExitCodes.succeeded,
  CANCELLED: runExitCodes.cancelled,
  EXPIRED: runExitCodes.expired,
};

/** The exit code for a run that has ended. */
export function exitCodeOfRun(status: RunStatus): number {
  return byStatus[status] ?? runExitCodes.failed;
}
