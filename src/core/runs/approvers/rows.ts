import type { Principal } from "../../database/principals.ts";
import type { Sql } from "../../database/sql.ts";
import type { ProjectedRun } from "../projector.ts";

/** Notes whom an interrupt that was just asked names. */
export async function insertApprovers(
  sql: Sql,
  { id: runId, tenantId }: ProjectedRun,
  interrupt: { readonly id: string; readonly at: number },
  principals: readonly Principal[],
): Promise<void> {
  if (principals.length === 0) return;
  const row = [interrupt.id, tenantId, runId, interrupt.at];
  await sql.run(
    `insert into runs_approver (interrupt_id, tenant_id, run_id, created_at, status, principal)
     values ${principals.map(() => "(?, ?, ?, ?, 'PENDING', ?)").join(", ")}`,
    ...principals.flatMap((principal) => [...row, principal]),
  );
}

/** Gives them the status of their interrupt. @returns whom it names. */
export async function settleApprovers(sql: Sql, interruptId: string): Promise<readonly Principal[]> {
  const rows = await sql.all<{ principal: Principal }>(
    `update runs_approver set status = (select status from runs_interrupt where id = runs_approver.interrupt_id)
     where interrupt_id = ? returning principal`,
    interruptId,
  );
  return rows.map(({ principal }) => principal);
}

export async function purgeApprovers(sql: Sql, runIds: readonly string[]): Promise<void> {
  for (const runId of runIds) await sql.run("delete from runs_approver where run_id = ?", runId);
}
