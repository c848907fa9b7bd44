import type { Database } from "../../database/database.ts";
import type { SqlValue } from "../../database/sql.ts";
import type { RetainedData, RetentionFinding, RetentionRule, RetentionWork } from "./contract.ts";

/** Rows that one page reads. */
const pageSize = 250;
/** How many keys one statement counts past. */
const countedAtOnce = 10_000;

/** A condition on a row `e`, with its parameters. */
interface Condition {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** A table whose rows age. Its names come from code. */
export interface AgedTable {
  /** It has the columns `id` and `tenant_id`, and an index of tenant, time and id. */
  readonly table: string;
  /** The column of the time by which it ages, in milliseconds since 1970. */
  readonly at: string;
  /** Which rows it is about at all, as that index has them, in terms of `e`; all by default. */
  readonly rows?: string;
  /** Which of them a rule may remove; all by default. */
  readonly removable?: (rule: RetentionRule) => Condition;
  /** Whose newest rows a count keeps: the tenant's, or what `removable` says. */
  readonly counted: "in the tenant" | "by removable";
  /** Which of these rows stay whatever the rule says, as those under a legal hold. */
  readonly kept?: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Removes rows with all that belongs to them, in transactions of some milliseconds. @returns how many of them went. */
  readonly remove: (ids: readonly string[], work: RetentionWork) => Promise<number>;
}

interface Key {
  readonly at: number;
  readonly id: string;
}

const beginning: Key = { at: Number.MIN_SAFE_INTEGER, id: "" };

/**
 * Data of one table as policies see it: the oldest go first.
 *
 * @example contribute(retainedData, "FILES", agedRows(database, { table: "files_file", at: "created_at", counted: "in the tenant", … }));
 */
export function agedRows(database: Pick<Database, "read">, table: AgedTable): RetainedData {
  return {
    by: ["maxAge", "maxCount"],
    async preview(rule) {
      let [rows, oldest]: [number, number | null] = [0, null];
      for await (const page of pagesOf(database, table, rule)) {
        rows += page.length;
        oldest ??= page[0]?.at ?? null;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { rows, oldest } satisfies RetentionFinding;
    },
    async prune(rule, work) {
      let removed = 0;
      for await (const page of pagesOf(database, table, rule)) {
        const ids = page.map(({ id }) => id);
        removed += ids.length === 0 ? 0 : await table.remove(ids, work);
        await work.rest(0);
      }
      return removed;
    },
  };
}

/** What a rule removes, the oldest first; a page may be empty. */
async function* pagesOf({ read }: Pick<Database, "read">, table: AgedTable, rule: RetentionRule): AsyncGenerator<readonly Key[]> {
  const end = await endOf({ read }, table, rule);
  const { sql: only, params } = table.removable?.(rule) ?? { sql: "1 = 1", params: [] };
  for (let after = beginning; ;) {
    const page = await read.all<{ at: number; id: string; fits: number }>(
      `select e.${table.at} as at, e.id, (${only}) as fits from ${table.table} e where e.tenant_id = ? and ${table.rows ?? "1 = 1"}
       and (e.${table.at}, e.id) > (?, ?) and (e.${table.at}, e.id) < (?, ?) order by e.${table.at}, e.id limit ${pageSize}`,
      ...params,
      rule.tenantId,
      after.at,
      after.id,
      end.at,
      end.id,
    );
    const fitting = page.filter(({ fits }) => fits !== 0).map(({ at, id }) => ({ at, id }));
    const kept = fitting.length > 0 ? await table.kept?.(fitting.map(({ id }) => id)) : undefined;
    if (page.length > 0) yield kept ? fitting.filter(({ id }) => !kept.has(id)) : fitting;
    const last = page.at(-1);
    if (!last || page.length < pageSize) return;
    after = last;
  }
}

/** The first row that stays: rows before it are too old, or too many. */
async function endOf(database: Pick<Database, "read">, table: AgedTable, rule: RetentionRule): Promise<Key> {
  const { read } = database;
  const clock = await read.get<{ now: number }>(`select ${read.now} as now`);
  const now = clock?.now ?? 0;
  const byAge: Key = { at: rule.maxAgeMs === undefined ? beginning.at : now - rule.maxAgeMs, id: "" };
  if (rule.maxCount === undefined) return byAge;
  if (table.counted === "by removable") return { at: now + 1, id: "" };
  const byCount = await newestKept(database, table, rule.tenantId, rule.maxCount);
  return byCount && byCount.at >= byAge.at ? byCount : byAge;
}

/** The oldest of so many newest rows; nothing where there are not as many. */
async function newestKept(
  { read }: Pick<Database, "read">,
  { table, at, rows = "1 = 1" }: AgedTable,
  tenantId: string,
  count: number,
): Promise<Key | undefined> {
  let before: Key = { at: Number.MAX_SAFE_INTEGER, id: "" };
  for (let left = count; left > 0;) {
    const step = Math.min(left, countedAtOnce);
    const next = await read.get<{ at: number; id: string }>(
      `select e.${at} as at, e.id from ${table} e where e.tenant_id = ? and ${rows} and (e.${at}, e.id) < (?, ?)
       order by e.${at} desc, e.id desc limit 1 offset ?`,
      tenantId,
      before.at,
      before.id,
      step - 1,
    );
    if (!next) return undefined;
    before = next;
    left -= step;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return before;
}
