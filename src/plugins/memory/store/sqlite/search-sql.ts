import type { StoreHit, StoreQuery, Vector } from "../store.ts";
import { sketchOf } from "./sketch.ts";
import { bytesOf } from "./vector-bytes.ts";

/** A search as one statement. */
export interface SearchStatement {
  readonly sql: string;
  readonly params: readonly (string | number | Uint8Array)[];
}

/** How the nearest vectors are found: by the distance to each of the spaces, or by sketches first. */
export type Plan = "EXACT" | "SKETCH";

/** How many of the best by each way are fused. */
const depth = 60;
/** How many of the nearest sketches are measured exactly. */
const sketched = 256;
/** What a rank counts: the usual constant of reciprocal rank fusion. */
const constant = 60;
const best = 2 / (constant + 1);

/** The row that a search answers with. */
interface HitRow {
  readonly id: string;
  readonly fused: number;
  readonly distance: number | null;
  readonly word: number | null;
}

/**
 * Vectors and keywords, each ranked within the spaces, fused by reciprocal rank. The spaces stand in every part: what is not in them is not ranked, let
 * alone shown.
 */
export function searchStatement(query: StoreQuery, plan: Plan): SearchStatement {
  const parts = [...(query.vector ? [nearest(query, query.vector, plan)] : []), ...(query.keywords.length > 0 ? [worded(query)] : [])];
  const found = [
    ...(query.vector ? ["select num, place, distance, null as word from by_vector"] : []),
    ...(query.keywords.length > 0 ? ["select num, place, null as distance, place as word from by_word"] : []),
  ];
  return {
    sql: `with ${parts.map(({ sql }) => sql).join(", ")}
      select r.id as id, sum(1.0 / (${constant} + f.place)) as fused, min(f.distance) as distance, min(f.word) as word
      from (${found.join(" union all ")}) f join memory_record r on r.num = f.num
      group by f.num order by fused desc, f.num desc limit ?`,
    params: [...parts.flatMap(({ params }) => params), query.limit],
  };
}

/** What the statement needs to have something to say. */
export function asksSomething({ spaces, vector, keywords }: StoreQuery): boolean {
  return spaces.length > 0 && (vector !== undefined || keywords.length > 0);
}

export function toHit(row: unknown): StoreHit {
  const { id, fused, distance, word } = row as HitRow;
  return {
    id,
    score: Math.min(1, fused / best),
    similarity: distance === null ? null : Math.min(1, 1 - distance),
    matchedBy: [...(distance === null ? [] : (["VECTOR"] as const)), ...(word === null ? [] : (["KEYWORD"] as const))],
  };
}

function nearest(query: StoreQuery, { embedder, values }: Vector, plan: Plan): SearchStatement {
  const { tenantId, spaces } = query;
  const live = liveOf(query);
  const measured = `select v.num as num, vec_distance_cosine(v.vector, ?) as distance`;
  const within = `v.space in (${marks(spaces)}) and v.embedder_num = ?`;
  const candidates: SearchStatement =
    plan === "EXACT"
      ? { sql: "memory_vector v", params: [] }
      : {
          sql: `(select num from memory_sketch where sketch match vec_bit(?) and k = ${sketched} and tenant = ? and embedder = ? and space in (${marks(spaces)})) s
            cross join memory_vector v on v.num = s.num`,
          params: [sketchOf(values), tenantId, embedder, ...spaces],
        };
  return {
    sql: `near as (${measured} from ${candidates.sql} cross join memory_record r on r.num = v.num
        where ${within} and ${live.sql} order by distance limit ${depth}),
      by_vector as (select num, distance, row_number() over (order by distance, num) as place from near)`,
    params: [bytesOf(values), ...candidates.params, ...spaces, embedder, ...live.params],
  };
}

function worded(query: StoreQuery): SearchStatement {
  const { spaces, keywords } = query;
  const live = liveOf(query);
  const match = `{space} : (${spaces.map((space) => `"${space}"`).join(" OR ")}) AND {text} : (${keywords.map(quoted).join(" OR ")})`;
  return {
    sql: `worded as (select t.rowid as num, t.rank as rank from memory_text t cross join memory_record r on r.num = t.rowid
        where memory_text match ? and r.space in (${marks(spaces)}) and ${live.sql} order by t.rank limit ${depth}),
      by_word as (select num, row_number() over (order by rank, num) as place from worded)`,
    params: [match, ...spaces, ...live.params],
  };
}

const quoted = (word: string): string => `"${word.replaceAll('"', '""')}"`;

/** What may be found of the spaces: neither superseded nor expired, with the metadata that is asked for. */
function liveOf({ metadata = {}, now }: StoreQuery): SearchStatement {
  const keys = Object.entries(metadata);
  return {
    sql: `r.superseded_by_id is null and (r.expires_at is null or r.expires_at > ?)${keys.map(() => " and json_extract(r.metadata, ?) is json_extract(?, '$')").join("")}`,
    params: [now, ...keys.flatMap(([key, value]) => [`$.${JSON.stringify(key)}`, JSON.stringify(value)])],
  };
}

function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}
