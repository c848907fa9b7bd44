import { extensionPoint } from "../kernel/refs.ts";
import type { EngineOptions } from "./engine-options.ts";

/** Places around every durable step: before it, inside its transaction, after its commit. */
export const failpointNames = [
  "start.inside",
  "start.committed",
  "claim.before",
  "claim.inside",
  "claim.committed",
  "renew.before",
  "renew.committed",
  "append.before",
  "append.inside",
  "append.committed",
  "checkpoint.before",
  "checkpoint.inside",
  "checkpoint.committed",
  "tool.before",
  "tool.started",
  "tool.executed",
  "tool.finished",
  "wait.before",
  "wait.committed",
  "finish.before",
  "finish.committed",
  "release.before",
  "release.committed",
  "decide.before",
  "decide.inside",
  "decide.committed",
  "signal.inside",
  "signal.committed",
  "pause.inside",
  "pause.committed",
  "resume.inside",
  "resume.committed",
  "cancel.before",
  "cancel.inside",
  "cancel.committed",
  "compact.before",
  "compact.inside",
  "compact.committed",
] as const;

export type FailpointName = (typeof failpointNames)[number];

/** Told that a place was reached; may end the process there. */
export type Failpoint = (at: FailpointName) => void;

/** What a fault suite puts in the engine's way. */
export interface FaultInjection {
  readonly failpoint: Failpoint;
  /** Shorter times than a server's, so that leases are renewed and lapse within a test. */
  readonly engine?: Partial<EngineOptions>;
  /** How long runs at work may take to reach their end at a close, in milliseconds. */
  readonly drainMs?: number;
}

/** Where a fault suite stands in. No plugin that is shipped contributes here, and plugin authors are not given it: then no place calls anybody. */
export const faultInjections = extensionPoint<FaultInjection>("runs.faults");
