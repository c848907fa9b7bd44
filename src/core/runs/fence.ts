import type { Sql } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";

/** Within a transaction: a worker that lost its run writes nothing more. @throws RUN_FENCED */
export async function checkOwner(sql: Sql, { id, epoch }: { readonly id: string; readonly epoch: number }): Promise<void> {
  const row = await sql.get<{ epoch: number }>("select epoch from runs_run where id = ?", id);
  if (row?.epoch !== epoch) throw new WeftlineError("RUN_FENCED");
}
