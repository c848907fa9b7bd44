import type { Database } from "#weftline";
import type { FactBounds, Facts, Place } from "../store.ts";

interface FactRow {
  readonly found: number;
  readonly characters: number | null;
  readonly id: string | null;
  readonly text: string;
  readonly metadata: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** All facts of a place in one statement: their size is known before any text is read. */
export async function factsOf({ read }: Database, place: Place, { records, characters }: FactBounds): Promise<Facts> {
  const rows = await read.all<FactRow>(
    `with fact as (
       select r.id, r.text, r.metadata, r.created_at, r.expires_at, r.num from memory_record r join memory_space s on s.num = r.space
       where s.tenant_id = ? and s.scope = ? and s.scope_id = ? and s.owner_id = ?
       and r.superseded_by_id is null and (r.expires_at is null or r.expires_at > ${read.now})
       order by r.created_at, r.id limit ?),
     total as (select count(*) as found, sum(length(text) + length(metadata)) as characters from fact)
     select t.found, t.characters, f.id, f.text, f.metadata, f.created_at as "createdAt", f.expires_at as "expiresAt" from total t
     left join fact f on t.found <= ? and t.characters <= ? order by f.num`,
    place.tenantId,
    place.scope,
    place.scopeId,
    place.ownerId,
    records + 1,
    records,
    characters,
  );
  const [first] = rows;
  if ((first?.found ?? 0) > records) return { excess: "records" };
  if ((first?.characters ?? 0) > characters) return { excess: "characters" };
  const facts = rows.flatMap(({ id, text, metadata, createdAt, expiresAt }) =>
    id === null ? [] : [{ id, text, metadata: JSON.parse(metadata) as Readonly<Record<string, unknown>>, createdAt, expiresAt }],
  );
  return { facts };
}
