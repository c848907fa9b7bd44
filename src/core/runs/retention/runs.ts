import type { Database, Tx } from "../../database/database.ts";
import type { Contribution } from "../../kernel/refs.ts";
import type { Purger } from "../contract.ts";
import type { StorageQuota } from "../storage-quota.ts";
import { purgeValues } from "../values/rows.ts";
import { agedRows } from "./aged-rows.ts";
import type { RetainedData, RetentionWork } from "./contract.ts";
import { removeRuns } from "./remove-runs.ts";
import { removeEvents } from "./remove-events.ts";

/** Runs that one transaction removes at most. */
const runsAtOnce = 10;

/** What removing runs needs. */
export interface RemovalHost {
  readonly database: Database;
  readonly quota: StorageQuota;
  readonly purgers: ReadonlyMap<string, Contribution<Purger>>;
}

/** Runs outside threads, each with its log and all below it. Those of a thread go with its messages. */
export function retainedRuns(host: RemovalHost): RetainedData {
  return agedRows(host.database, {
    table: "runs_run",
    at: "finished_at",
    rows: "e.finished_at is not null and e.thread_id is null and e.parent_id is null",
    // What undoes something may outlive the run above it.
    removable: () => ({
      sql: "not exists (select 1 from runs_run o where o.stream_num = e.stream_num and o.finished_at is null)",
      params: [],
    }),
    counted: "in the tenant",
    async remove(ids, work) {
      for (const id of ids) await removeRun(host, id, work);
      return ids.length;
    },
  });
}

async function removeRun({ database, quota, purgers }: RemovalHost, id: string, work: RetentionWork): Promise<void> {
  const run = await database.read.get<{ stream_num: number }>("select stream_num from runs_run where id = ?", id);
  if (!run) return;
  const { stream_num: streamNum } = run;
  await removeEvents(database, { streamNum, through: Number.MAX_SAFE_INTEGER }, work);
  // Those below it come first: as long as the run itself is there, it is found again.
  for (let left = true; left;) {
    left = await database.write("SYSTEM", (tx) => removeSome(tx), "retention.runs");
    await work.rest(left ? 0 : 1);
  }

  async function removeSome(tx: Tx): Promise<boolean> {
    const rows = await tx.sql.all<{ id: string; tenant_id: string; owner_id: string }>(
      "select id, tenant_id, owner_id from runs_run where stream_num = ? order by start_seq desc limit ?",
      streamNum,
      runsAtOnce,
    );
    const [first] = rows;
    if (!first) return false;
    const runIds = rows.map((row) => row.id);
    for (const { value } of purgers.values()) await value.purgeRuns?.(tx, { runIds, tenantId: first.tenant_id });
    await removeRuns(tx.sql, runIds);
    if (rows.length === runsAtOnce) return true;
    await purgeValues(tx.sql, streamNum);
    const stream = await tx.sql.get<{ bytes: number }>("delete from runs_stream where num = ? returning bytes", streamNum);
    const owner = { tenantId: first.tenant_id, ownerId: first.owner_id };
    tx.afterCommit(() => quota.add(owner, -(stream?.bytes ?? 0)));
    return false;
  }
}
