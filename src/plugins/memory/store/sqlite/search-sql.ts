import type { StoreHit, StoreQuery, Vector } from "../store.ts";
import { sketchOf } from "./sketch.ts";
import { depth, liveOf, marks, type Plan, type SearchStatement } from "./statement.ts";
import { bytesOf } from "./vector-bytes.ts";

/** How many sketches are near, those of all shards together, and the fewest of each: so many of the nearest are measured exactly. */
const sketched = { together: 384, each: 24, measured: 320 };
/** What a rank counts: the usual constant of reciprocal rank fusion. */
const constant = 60;
const best = 2 / (constant + 1);

/** A query whose vector is there, if it has one. */
type Embedded = Omit<StoreQuery, "vector"> & { readonly vector: Vector | undefined };

/** The row that a search answers with. */
interface HitRow {
  readonly id: string;
  readonly fused: number;
  readonly distance: number | null;
  readonly word: number | null;
}

/**
 * Ranks vectors within the spaces, and fuses them by reciprocal rank with the records that are best by their words. The spaces stand in every part: what
 * is not in them is not ranked, let alone shown.
 *
 * @param words numbers of records, in their order.
 */
export function searchStatement(query: Embedded, words: readonly number[], plan: Plan): SearchStatement {
  const live = liveOf(query);
  const vectors = query.vector && nearest(query, query.vector, plan);
  const byWord = "select value as num, key + 1 as place, null as distance, key + 1 as word from json_each(?)";
  const found = vectors ? `select num, place, distance, null as word from by_vector union all ${byWord}` : byWord;
  return {
    sql: `${vectors ? `with ${vectors.sql}` : ""}
      select r.id as id, sum(1.0 / (${constant} + f.place)) as fused, min(f.distance) as distance, min(f.word) as word
      from (${found}) f cross join memory_record r on r.num = f.num
      where r.space in (${marks(query.spaces)}) and ${live.sql}
      group by f.num order by fused desc, f.num desc limit ?`,
    params: [...(vectors?.params ?? []), JSON.stringify(words), ...query.spaces, ...live.params, query.limit],
  };
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

function nearest(query: Embedded, { embedder, values }: Vector, plan: Plan): SearchStatement {
  const { tenantId, spaces } = query;
  const live = liveOf(query);
  const measured = `select v.num as num, vec_distance_cosine(v.vector, ?) as distance`;
  const within = `v.space in (${marks(spaces)}) and v.embedder_num = ?`;
  const candidates: SearchStatement =
    plan.vectors === "EXACT"
      ? { sql: "memory_vector v", params: [] }
      : {
          sql: `(select s.num from memory_shard h cross join memory_sketch s on s.sketch match vec_bit(?)
              and s.k = (select max(${sketched.each}, ${sketched.together} / count(*)) from memory_shard where tenant = ? and embedder = ?)
              and s.tenant = h.tenant and s.embedder = h.embedder and s.shard = h.shard and s.space in (${marks(spaces)})
              where h.tenant = ? and h.embedder = ? order by s.distance limit ${sketched.measured}) s
            cross join memory_vector v on v.num = s.num`,
          params: [sketchOf(values), tenantId, embedder, ...spaces, tenantId, embedder],
        };
  return {
    sql: `near as (${measured} from ${candidates.sql} cross join memory_record r on r.num = v.num
        where ${within} and ${live.sql} order by distance limit ${depth}),
      by_vector as (select num, distance, row_number() over (order by distance, num) as place from near)`,
    params: [bytesOf(values), ...candidates.params, ...spaces, embedder, ...live.params],
  };
}
