import type { Sql } from "../database/sql.ts";

/** By how much positions go up where rows may have been lost: further than any reader of the lost history came since the copy was made. */
const raisedBy = 2 ** 20;

/**
 * Keeps readers of another history from joining this one: every stream goes on at a later position, and whoever comes with an earlier one is given
 * a snapshot. Streams that were deleted get no more rows, so their readers are left to read the end.
 */
export async function raiseHeads(sql: Sql): Promise<void> {
  await sql.run(`update runs_stream set head = head + ${raisedBy}, horizon = head + ${raisedBy} where not deleted`);
}
