import type { Beginnings, Database, RetainedData, RetentionFinding, RetentionWork } from "#weftline";
import { Thread } from "../entities.ts";

/** Threads that one read brings. */
const pageSize = 100;

/** What the messages of threads are seen by. */
export interface RetainedHost {
  readonly database: Database;
  readonly beginnings: Beginnings;
}

/** Messages of threads, as policies see them: a thread loses its beginning. One that says by itself how long it keeps them is heeded, too. */
export function retainedMessages({ database, beginnings }: RetainedHost): RetainedData {
  return {
    by: ["maxAge", "maxCount"],
    async preview({ tenantId, ...kept }) {
      let [rows, oldest]: [number, number | null] = [0, null];
      for await (const { streamNum } of threadsOf(database, { tenantId })) {
        const found: RetentionFinding = await beginnings.find(streamNum, kept);
        rows += found.rows;
        if (found.oldest !== null && (oldest === null || found.oldest < oldest)) oldest = found.oldest;
      }
      return { rows, oldest };
    },
    async prune({ tenantId, ...kept }, work) {
      return removeEach(threadsOf(database, { tenantId }), work, ({ streamNum }) => beginnings.remove(streamNum, kept, work));
    },
    own: {
      async tenants() {
        const tenants: string[] = [];
        for (let after = ""; ;) {
          const next = await database
            .em("SYSTEM")
            .findOne(
              Thread,
              { retention: { $ne: null }, tenantId: { $gt: after } },
              { fields: ["tenantId"], orderBy: { tenantId: "asc" } },
            );
          if (!next) return tenants;
          tenants.push((after = next.tenantId));
        }
      },
      prune: (tenantId, work) =>
        removeEach(threadsOf(database, { tenantId, retention: { $ne: null } }), work, ({ streamNum, retention }) =>
          retention == null ? Promise.resolve(0) : beginnings.remove(streamNum, { maxAgeMs: retention }, work),
        ),
    },
  };
}

type Aging = Pick<Thread, "id" | "streamNum" | "retention">;

async function removeEach(
  threads: AsyncIterable<Aging>,
  { rest }: RetentionWork,
  remove: (thread: Aging) => Promise<number>,
): Promise<number> {
  let removed = 0;
  let seen = 0;
  for await (const thread of threads) {
    removed += await remove(thread);
    if (++seen % pageSize === 0) await rest(0);
  }
  return removed;
}

async function* threadsOf(
  database: Database,
  where: { readonly tenantId: string; readonly retention?: { readonly $ne: null } },
): AsyncGenerator<Aging> {
  for (let after = ""; ;) {
    const page = await database
      .em("SYSTEM")
      .find(
        Thread,
        { ...where, id: { $gt: after } },
        { fields: ["id", "streamNum", "retention"], orderBy: { id: "asc" }, limit: pageSize },
      );
    for (const { id, streamNum, retention } of page) yield { id, streamNum, retention: retention ?? null };
    after = page.at(-1)?.id ?? after;
    if (page.length < pageSize) return;
  }
}
