import type { Database, Tx } from "../../database/database.ts";

/** Commits work of a job's own, past the ownership filter, under the name that the job gave it. */
export function commitWork(database: Database, work: (tx: Tx) => Promise<void>, name: string): Promise<void> {
  return database.write("SYSTEM", work, name);
}
