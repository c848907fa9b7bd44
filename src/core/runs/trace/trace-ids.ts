import { createHash } from "node:crypto";
import type { Run } from "../entities/run.ts";

/** What of a run its trace is made of. */
export type TracedRun = Pick<Run, "id" | "rootId" | "settings">;

/** The trace of a run: that of the request that started its tree, else one of its own. It is the same in every process and after every restart. */
export function traceIdOf({ rootId, settings }: Pick<TracedRun, "rootId" | "settings">): string {
  return settings.traceparent?.slice(3, 35) ?? digest(rootId, 32);
}

/** The span of a run, of a step or of a call, by its id. */
export function spanIdOf(id: string): string {
  return digest(id, 16);
}

/** Whether the request that started the run's tree said that its trace is recorded; nothing where it was in none. */
export function isSampledByCaller({ settings }: Pick<TracedRun, "settings">): boolean | undefined {
  const flags = settings.traceparent?.slice(53, 55);
  return flags === undefined ? undefined : (Number.parseInt(flags, 16) & 1) === 1;
}

/** No id of these begins with anything else than a hash does, so none is all zeros. */
function digest(text: string, length: 16 | 32): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}
