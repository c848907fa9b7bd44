import type { Database } from "../../database/database.ts";
import { agedRows } from "./aged-rows.ts";
import type { RetainedData } from "./contract.ts";
import { isFree } from "./holds.ts";

/** Rows that one transaction removes at most. */
const rowsAtOnce = 250;

/** What calls of tools left for those who audit: it outlives its run and its thread, and goes by policies of its own alone. */
export function retainedAudit(database: Database): RetainedData {
  return agedRows(database, {
    table: "runs_tool_call_audit",
    at: "finished_at",
    removable: () => ({ sql: isFree("e.run_id"), params: [] }),
    counted: "in the tenant",
    async remove(ids, work) {
      let removed = 0;
      for (let at = 0; at < ids.length; at += rowsAtOnce) {
        const some = ids.slice(at, at + rowsAtOnce);
        const named = some.map(() => "?").join(", ");
        // A hold may have come since they were read.
        const free = isFree("runs_tool_call_audit.run_id");
        const went = await database.upkeep(
          ({ sql }) => sql.run(`delete from runs_tool_call_audit where id in (${named}) and ${free}`, ...some),
          "retention.audit",
        );
        await work.rest(went);
        removed += went;
      }
      return removed;
    },
  });
}
