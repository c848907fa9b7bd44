import { agedRows, type Database, type LegalHolds, type RetainedData, type RetentionRule, type RetentionWork } from "#weftline";
import type { MemoryStore } from "../store.ts";

/** Records that one transaction removes, and spaces that one page reads. */
const rowsAtOnce = 50;
const spacesAtOnce = 100;

/** What records are removed with. */
export interface RetainedMemoryHost {
  readonly database: Database;
  readonly remove: MemoryStore["remove"];
  readonly holds: LegalHolds;
}

interface FullSpace {
  readonly num: number;
  readonly scopeId: string;
  readonly isThread: number;
  readonly over: number;
}

/** Records, as policies see them: by age, and so many of each scope of each owner. */
export function retainedMemory(host: RetainedMemoryHost): RetainedData {
  const { database } = host;
  const aged = agedRows(database, {
    table: "memory_record",
    at: "created_at",
    counted: "in the tenant",
    removable: ({ scope }) => (scope === undefined ? { sql: "1 = 1", params: [] } : { sql: "e.scope = ?", params: [scope] }),
    kept: (ids) => heldAmong(host, ids),
    remove: (ids, work) => removeIds(host, ids, work),
  });
  return {
    by: ["maxAge", "maxCount"],
    scopes: ["THREAD", "AGENT", "WORKFLOW", "USER", "TENANT"],
    async preview({ maxCount, ...rule }) {
      const old = rule.maxAgeMs === undefined ? { rows: 0, oldest: null } : await aged.preview(rule);
      if (maxCount === undefined) return old;
      let { rows, oldest } = old;
      for await (const { num, over } of fullSpaces(host, { ...rule, maxCount })) {
        const found = await beginningOf(database, num, { over, rule });
        rows += found.rows;
        if (found.oldest !== null) oldest = Math.min(oldest ?? found.oldest, found.oldest);
      }
      return { rows, oldest };
    },
    async prune({ maxCount, ...rule }, work) {
      let removed = rule.maxAgeMs === undefined ? 0 : await aged.prune(rule, work);
      if (maxCount === undefined) return removed;
      for await (const { num, over } of fullSpaces(host, { ...rule, maxCount })) {
        for (let left = over; left > 0;) {
          const rows = await database.read.all<{ id: string }>(
            "select id from memory_record where space = ? order by created_at, id limit ?",
            num,
            Math.min(left, rowsAtOnce),
          );
          if (rows.length === 0) break;
          const went = await removeIds(
            host,
            rows.map(({ id }) => id),
            work,
          );
          removed += went;
          // What was kept meanwhile, as by a hold, would be found again.
          left = went < rows.length ? 0 : left - went;
        }
      }
      return removed;
    },
  };
}

/** Spaces with more records than a rule keeps, but for those of threads that are held. */
async function* fullSpaces(
  { database, holds }: RetainedMemoryHost,
  rule: RetentionRule & { readonly maxCount: number },
): AsyncGenerator<FullSpace> {
  for (let after = 0; ;) {
    const page = await database.read.all<FullSpace>(
      `select num, scope_id as "scopeId", scope = 'THREAD' as "isThread", records - ? as over from memory_space
       where num > ? and tenant_id = ? and records > ? and (? is null or scope = ?) order by num limit ?`,
      rule.maxCount,
      after,
      rule.tenantId,
      rule.maxCount,
      rule.scope ?? null,
      rule.scope ?? null,
      spacesAtOnce,
    );
    const held = await holds.among(page.flatMap(({ isThread, scopeId }) => (isThread === 1 ? [scopeId] : [])));
    yield* page.filter(({ isThread, scopeId }) => isThread === 0 || !held.has(scopeId));
    const last = page.at(-1);
    if (!last || page.length < spacesAtOnce) return;
    after = last.num;
  }
}

interface Beginning {
  readonly over: number;
  readonly rule: RetentionRule;
}

/** Of the first records of a space those that are not too old as well. */
async function beginningOf(
  { read }: Database,
  space: number,
  { over, rule }: Beginning,
): Promise<{ readonly rows: number; readonly oldest: number | null }> {
  const found = await read.get<{ rows: number; oldest: number | null }>(
    `select count(*) as rows, min(at) as oldest from (select created_at as at from memory_record where space = ? order by created_at, id limit ?)
     where ? is null or at >= ${read.now} - ?`,
    space,
    over,
    rule.maxAgeMs ?? null,
    rule.maxAgeMs ?? 0,
  );
  return found ?? { rows: 0, oldest: null };
}

interface HeldRow {
  readonly id: string;
  readonly threadId: string;
}

async function heldAmong({ database, holds }: RetainedMemoryHost, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await database.read.all<HeldRow>(
    `select id, scope_id as "threadId" from memory_record where scope = 'THREAD' and id in (select value from json_each(?))`,
    JSON.stringify(ids),
  );
  const held = await holds.among([...new Set(rows.map(({ threadId }) => threadId))]);
  return new Set(rows.flatMap(({ id, threadId }) => (held.has(threadId) ? [id] : [])));
}

async function removeIds({ database, remove, holds }: RetainedMemoryHost, ids: readonly string[], work: RetentionWork): Promise<number> {
  let removed = 0;
  for (let at = 0; at < ids.length; at += rowsAtOnce) {
    const some = JSON.stringify(ids.slice(at, at + rowsAtOnce));
    const went = await database.commit(async (tx) => {
      const rows = await tx.sql.all<{ num: number; scope: string; threadId: string }>(
        `select num, scope, scope_id as "threadId" from memory_record where id in (select value from json_each(?))`,
        some,
      );
      const threads = rows.flatMap(({ scope, threadId }) => (scope === "THREAD" ? [threadId] : []));
      const held = await holds.among([...new Set(threads)], tx);
      const gone = rows.filter(({ scope, threadId }) => scope !== "THREAD" || !held.has(threadId));
      await remove(
        tx,
        gone.map(({ num }) => num),
      );
      return gone.length;
    }, "memory.retention");
    removed += went;
    await work.rest(went);
  }
  return removed;
}
