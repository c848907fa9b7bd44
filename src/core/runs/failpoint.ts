import type { CommitProbe } from "../database/database.ts";
import { extensionPoint } from "../kernel/refs.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { HousekeepingTimes } from "./housekeeping.ts";

/**
 * A place at which a process may be lost so that it shows: around each commit, by the commit's name, and around what is done outside the store. A new
 * commit has its places by its name; nothing lists them.
 */
export type FailpointName = Parameters<CommitProbe>[0] | "tool.started" | "tool.executed" | "tool.finished";

/** Told that a place was reached; may end the process there. */
export type Failpoint = (at: FailpointName) => void;

/** What a fault suite puts in the engine's way. */
export interface FaultInjection {
  readonly failpoint: Failpoint;
  /** Shorter times than a server's, so that leases are renewed and lapse within a test. */
  readonly engine?: Partial<EngineOptions>;
  /** The same for what time brings about. */
  readonly housekeeping?: HousekeepingTimes;
  /** How long runs at work may take to reach their end at a close, in milliseconds. */
  readonly drainMs?: number;
}

/** Where a fault suite stands in. No plugin that is shipped contributes here, and plugin authors are not given it: then no place calls anybody. */
export const faultInjections = extensionPoint<FaultInjection>("runs.faults");
