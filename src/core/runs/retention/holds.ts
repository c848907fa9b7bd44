import type { Database } from "../../database/database.ts";
import type { LegalHolds } from "./contract.ts";

/** How many threads one statement names. */
const idsAtOnce = 250;

/** A thread's log says whether the thread is held, so that whoever removes of it need not know threads. */
export function createHolds({ read }: Pick<Database, "read">): LegalHolds {
  return {
    set: async ({ sql }, threadId, held) => {
      await sql.run("update runs_stream set held = ? where id = ?", held === "HELD" ? 1 : 0, threadId);
    },
    async among(threadIds, tx) {
      const held = new Set<string>();
      for (let at = 0; at < threadIds.length; at += idsAtOnce) {
        const some = threadIds.slice(at, at + idsAtOnce);
        const marks = some.map(() => "?").join(", ");
        const rows = await (tx?.sql ?? read).all<{ id: string }>(`select id from runs_stream where id in (${marks}) and held = 1`, ...some);
        for (const { id } of rows) held.add(id);
      }
      return held;
    },
  };
}

/** In terms of a run's id: whether what belongs to it may be removed. */
export const isFree = (runId: string): string =>
  `not exists (select 1 from runs_run f join runs_stream s on s.num = f.stream_num where f.id = ${runId} and s.held = 1)`;
