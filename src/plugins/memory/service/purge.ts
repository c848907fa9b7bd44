import { setTimeout as rest } from "node:timers/promises";
import type { Database, LegalHolds, Purger } from "#weftline";
import type { MemoryStore } from "../store/store.ts";

/** How many records one commit removes. */
const batch = 200;
/** Between two batches others write. */
const restMs = 5;

/** What purging works with. */
export interface PurgeParts {
  readonly database: Database;
  readonly store: MemoryStore;
  readonly holds: LegalHolds;
}

/** Removes what threads and runs remember: most of it before the transaction that deletes them. */
export function createPurger({ database, store, holds }: PurgeParts): Purger {
  return {
    async prepare({ tenantId, threadId, runIds }) {
      const some = (): Promise<number> =>
        database.commit(async (tx) => {
          if ((await holds.among([threadId], tx)).size > 0) return 0;
          return store.removeSomeOf(tx, { tenantId, threadIds: [threadId], runIds }, batch);
        }, "memory.purge");
      while ((await some()) === batch) await rest(restMs);
    },
    purge: (tx, { tenantId, threadId, runIds }) => store.removeOf(tx, { tenantId, threadIds: [threadId], runIds }),
    purgeRuns: (tx, { tenantId, runIds }) => store.removeOf(tx, { tenantId, threadIds: [], runIds }),
  };
}
