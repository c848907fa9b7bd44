import type { Database } from "./database.ts";
import { migrationTable } from "./migration-table.ts";

/** How long the database may take to answer, and how long its answer holds, in milliseconds: anybody may ask, and as often as they like. */
const patienceMs = 2_000;
const freshMs = 1_000;

/**
 * Watches whether the database can be worked with: it takes its turn in the queue of writes within two seconds, is still the one in its folder, and has had
 * every migration of this version. Those of plugins that were removed stay in it.
 *
 * @returns whether it can, as of at most a second ago. However many ask, one question is under way.
 */
export function watchReadiness(database: Database): () => Promise<boolean> {
  let latest: { readonly at: number; readonly answer: Promise<boolean> } | undefined;
  let asking: Promise<boolean> | undefined;
  const ask = (): Promise<boolean> => {
    asking ??= fits(database).finally(() => (asking = undefined));
    return soon(asking);
  };
  return () => {
    const now = performance.now();
    if (latest === undefined || now - latest.at > freshMs) latest = { at: now, answer: ask() };
    return latest.answer;
  };
}

async function fits(database: Database): Promise<boolean> {
  try {
    const rows = await database.commit(({ sql }) => sql.all<{ name: string }>(`select name from ${migrationTable}`), "ready");
    const ran = new Set(rows.map(({ name }) => name));
    return database.migrationNames.every((name) => ran.has(name));
  } catch {
    return false;
  }
}

async function soon(answer: Promise<boolean>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), patienceMs);
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
