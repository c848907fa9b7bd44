import type { SetupContext } from "../../kernel/spec.ts";
import type { CompactionOptions } from "../compaction.ts";
import { retainedAudit } from "./audit.ts";
import { retainedCheckpoints } from "./checkpoints.ts";
import { retainedData } from "./contract.ts";
import { retainedDeltas, type DeltaAges } from "./deltas.ts";
import { retainedRuns, type RemovalHost } from "./runs.ts";

/** What the engine keeps, as policies see it. */
export function contributeRetention(contribute: SetupContext["contribute"], host: RemovalHost & { readonly ages: DeltaAges }): void {
  const { database, quota, ages } = host;
  const freed: CompactionOptions["freed"] = (owner, bytes) => quota.add(owner, -bytes);
  contribute(retainedData, "RUN_DELTAS", retainedDeltas(database, ages, { freed }));
  contribute(retainedData, "RUNS", retainedRuns(host));
  contribute(retainedData, "CHECKPOINTS", retainedCheckpoints(database));
  contribute(retainedData, "AUDIT", retainedAudit(database));
}
