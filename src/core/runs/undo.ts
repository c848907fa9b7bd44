import type { Sql } from "../database/sql.ts";

/** Whether a step undoes something, or is part of one that does. */
export async function isOfUndo(sql: Sql, stepId: string): Promise<boolean> {
  const undoing = await sql.get(
    `with recursive up (id, parent_id, compensates_id) as (select id, parent_id, compensates_id from runs_step where id = ?
       union all select s.id, s.parent_id, s.compensates_id from runs_step s join up on s.id = up.parent_id)
     select id from up where compensates_id is not null limit 1`,
    stepId,
  );
  return undoing !== undefined;
}
