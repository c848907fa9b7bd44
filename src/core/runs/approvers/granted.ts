import { databaseService } from "../../database/database.ts";
import { principalsOf } from "../../database/principals.ts";
import { asPlatform } from "../../database/rows.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Run } from "../entities/run.ts";

/** Runs that ask what the viewer may decide, or asked it. Show no more of them than their id, status and target. */
export async function grantedRuns(scope: Scope, ids: readonly string[]): Promise<Run[]> {
  const named = await namedAmong(scope, "run_id", ids);
  const runs = await scope.use(databaseService).rows.byIds(Run, asPlatform, named);
  return runs.filter(({ tenantId }) => tenantId === scope.viewer.tenantId);
}

/** Whether the policy of an interrupt names the viewer, batched. */
export async function isApprover(scope: Scope, interruptId: string): Promise<boolean> {
  const named = await scope.load(isApprover, interruptId, async (ids) => {
    const found = new Set(await namedAmong(scope, "interrupt_id", ids));
    return ids.map((id) => found.has(id));
  });
  return named ?? false;
}

/** By interrupt or run, never by tenant. Lists are filled up to a power of two, so that few statements serve all lengths. */
async function namedAmong(scope: Scope, column: "run_id" | "interrupt_id", ids: readonly string[]): Promise<string[]> {
  const { viewer } = scope;
  const principals = principalsOf(viewer);
  const slots = Array.from({ length: 2 ** Math.ceil(Math.log2(Math.max(1, ids.length))) }, (_, at) => ids[at] ?? null);
  const rows = await scope.use(databaseService).read.all<{ id: string }>(
    `select distinct ${column} as id from runs_approver
     where ${column} in (${marks(slots)}) and principal in (${marks(principals)}) and not (tenant_id <> ?)`,
    ...slots,
    ...principals,
    viewer.tenantId,
  );
  return rows.map(({ id }) => id);
}

const marks = (values: readonly unknown[]): string => values.map(() => "?").join(", ");
