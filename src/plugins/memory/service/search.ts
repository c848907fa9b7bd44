import type { MemoryScope } from "#weftline";
import { MemoryRecord } from "../entities.ts";
import { keywordsOf } from "../store/words.ts";
import type { Place, StoreHit } from "../store/store.ts";
import type { MemoryHost } from "./host.ts";

/** The most hits of one search, and the most scopes that it looks through. */
export const mostHits = 100;
export const mostScopes = 20;
/** In characters: what is behind them is not looked for. */
const longestQuery = 4_000;

/** What is asked of which places. Places come from a viewer's own or a run's row, never from an id alone. */
export interface Question {
  readonly query: string;
  readonly places: readonly Place[];
  readonly limit: number;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Whose turn it is where searches wait for each other. */
  readonly caller: string;
  readonly tenantId: string;
  readonly signal?: AbortSignal | undefined;
}

/** Finds records of places by what they mean and by their words. */
export async function searchPlaces(
  host: MemoryHost,
  { query: given, places, limit, metadata, caller, tenantId, signal }: Question,
): Promise<readonly StoreHit[]> {
  const { database, store, embedding } = host;
  const query = given.slice(0, longestQuery).toWellFormed();
  const spaces = await store.spaces(places);
  if (spaces.length === 0) return [];
  const now = await database.now();
  const vector = embedding.vectorOf(query, signal);
  return store.search({ tenantId, caller, spaces, vector, keywords: keywordsOf(query), metadata, limit, now });
}

/** A record that was found for a run. */
export interface FoundRecord extends StoreHit {
  readonly scope: MemoryScope;
  readonly text: string;
}

/** The same with what the records say, for the platform itself: the places were the run's own. */
export async function findIn(host: MemoryHost, question: Question): Promise<readonly FoundRecord[]> {
  const hits = await searchPlaces(host, question);
  const rows = await host.database.em("SYSTEM").find(MemoryRecord, { id: { $in: hits.map(({ id }) => id) } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  const allowed = new Set(question.places.map((place) => keyOf(place)));
  return hits.flatMap((hit) => {
    const row = byId.get(hit.id);
    return row && allowed.has(keyOf({ ...row, ownerId: row.scope === "TENANT" ? "" : row.ownerId }))
      ? [{ ...hit, scope: row.scope, text: row.text }]
      : [];
  });
}

/** Records that were found are held against the places once more: an index that was damaged shows nobody another's. */
function keyOf({ tenantId, scope, scopeId, ownerId }: Place): string {
  return JSON.stringify([tenantId, scope, scopeId, ownerId]);
}
