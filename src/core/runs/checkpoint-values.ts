import type { Sql } from "../database/sql.ts";
import type { NewCheckpoint } from "./checkpoints.ts";

/** Where values stand. */
interface Place {
  readonly runId: string;
  readonly namespace: string;
}

interface Delta {
  readonly keep: number;
  readonly value: string;
}

/** The list that was written last to a channel: what the next one is compared with. */
interface Written {
  readonly version: string;
  /** JSON text of each item. */
  readonly items: readonly string[];
}

/**
 * Writes values, each version once. Of a list only the items behind those that it shares with its predecessor are stored, so that a growing
 * conversation takes as much room as it has messages, not as the sum of all its lengths.
 */
export class ValueWriter {
  readonly #runId: string;
  readonly #written = new Map<string, Written>();

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** @returns how many characters that took. */
  async write(
    sql: Sql,
    { namespace = "", parent, versions, values }: Pick<NewCheckpoint, "namespace" | "parent" | "versions" | "values">,
  ): Promise<number> {
    let characters = 0;
    const place = { runId: this.#runId, namespace };
    const before = parent === undefined ? {} : await versionsOf(sql, place, parent);
    for (const [channel, value] of Object.entries(values)) {
      const version = versions[channel];
      if (version === undefined || value === undefined) continue;
      if (!Array.isArray(value)) {
        const whole = JSON.stringify(value);
        await insert(sql, place, channel, version, { base: null, keep: 0, value: whole });
        characters += whole.length;
        continue;
      }
      const items = value.map((item) => JSON.stringify(item) ?? "null");
      const base = await this.#base(sql, place, channel, before[channel]);
      const keep = base === undefined || base.version === version ? 0 : sharedLength(base.items, items);
      const tail = `[${items.slice(keep).join(",")}]`;
      await insert(sql, place, channel, version, { base: keep === 0 ? null : (base?.version ?? null), keep, value: tail });
      this.#written.set(`${namespace}\n${channel}`, { version, items });
      characters += tail.length;
    }
    return characters;
  }

  async #base(sql: Sql, place: Place, channel: string, version: string | undefined): Promise<Written | undefined> {
    if (version === undefined) return undefined;
    const written = this.#written.get(`${place.namespace}\n${channel}`);
    if (written?.version === version) return written;
    const value = await readValue(sql, place, channel, version);
    return Array.isArray(value) ? { version, items: value.map((item) => JSON.stringify(item)) } : undefined;
  }
}

async function insert(
  sql: Sql,
  { runId, namespace }: Place,
  channel: string,
  version: string,
  { base, keep, value }: Delta & { readonly base: string | null },
): Promise<void> {
  await sql.run(
    `insert into runs_checkpoint_value (run_id, namespace, channel, version, base, keep, value) values (?, ?, ?, ?, ?, ?, ?)
     on conflict (run_id, namespace, channel, version) do nothing`,
    runId,
    namespace,
    channel,
    version,
    base,
    keep,
    value,
  );
}

async function versionsOf(sql: Sql, { runId, namespace }: Place, checkpoint: string): Promise<Readonly<Record<string, string>>> {
  const row = await sql.get<{ versions: string }>(
    "select versions from runs_checkpoint where run_id = ? and namespace = ? and name = ?",
    runId,
    namespace,
    checkpoint,
  );
  return row ? (JSON.parse(row.versions) as Record<string, string>) : {};
}

function sharedLength(before: readonly string[], after: readonly string[]): number {
  let length = 0;
  while (length < before.length && length < after.length && before[length] === after[length]) length++;
  return length;
}

/** The values of these versions; a version without a value is left out. */
export async function readValues(
  sql: Sql,
  { runId, namespace }: Place,
  versions: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const [channel, version] of Object.entries(versions)) {
    const value = await readValue(sql, { runId, namespace }, channel, version);
    if (value !== undefined) values[channel] = value;
  }
  return values;
}

const chain = `with recursive chain (base, keep, value, depth) as (
    select base, keep, value, 0 from runs_checkpoint_value where run_id = ? and namespace = ? and channel = ? and version = ?
    union all
    select v.base, v.keep, v.value, depth + 1 from runs_checkpoint_value v join chain on v.version = chain.base
    where v.run_id = ? and v.namespace = ? and v.channel = ?)
  select keep, value from chain order by depth desc`;

async function readValue(sql: Sql, { runId, namespace }: Place, channel: string, version: string): Promise<unknown> {
  const place = [runId, namespace, channel] as const;
  const [first, ...deltas] = await sql.all<Delta>(chain, ...place, version, ...place);
  if (!first) return undefined;
  const value = JSON.parse(first.value) as unknown;
  if (!Array.isArray(value)) return value;
  for (const { keep, value: tail } of deltas) {
    value.length = keep;
    for (const item of JSON.parse(tail) as unknown[]) value.push(item);
  }
  return value;
}
