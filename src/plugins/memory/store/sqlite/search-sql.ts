import type { StoreHit, StoreQuery, Vector } from "../store.ts";
import { sketchOf } from "./sketch.ts";
import { bytesOf } from "./vector-bytes.ts";

/** A search as one statement. */
export interface SearchStatement {
  readonly sql: string;
  readonly params: readonly (string | number | Uint8Array)[];
}

/** How a search goes about it. */
export interface Plan {
  /** How the nearest vectors are found: by the distance to each of the spaces, or by sketches first. */
  readonly vectors: "EXACT" | "SKETCH";
  /** How words are kept within the spaces: by the index of words, or by the rows that it finds. */
  readonly words: "INDEX" | "ROWS";
}

/** How many of the best by each way are fused. */
const depth = 60;
/** How many sketches are near, those of all shards together, and the fewest of each: so many of the nearest are measured exactly. */
const sketched = { together: 384, each: 24, measured: 320 };
/** A word is common that is in so many records. */
const common = 1_000;
/** How many records are ranked by their words: those of the rarest words, or the newest where all words are common. */
const ranked = 2_048;
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
  const parts = [
    ...(query.vector ? [nearest(query, query.vector, plan)] : []),
    ...(query.keywords.length > 0 ? [worded(query, plan)] : []),
  ];
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

/**
 * A word that is in very many records tells little and costs much, as each is ranked: where others are rarer it is left out. What the spaces make of the
 * index decides how words are kept within them: of little of it by their numbers as words, of most of it by the rows, since to weigh such a number takes
 * longer than to rank by the words.
 */
function worded(query: StoreQuery, { words }: Plan): SearchStatement {
  const { spaces, keywords, metadata } = query;
  const live = liveOf(query);
  const within = `{space} : (${spaces.map((space) => `"${space}"`).join(" OR ")}) AND `;
  const rarely = words === "ROWS" ? "" : within;
  return {
    sql: `asked as materialized (select value as word,
          (select count(*) from (select 1 from memory_text where memory_text match ? || '{text} : ' || value limit ${common})) as records
        from json_each(?)),
      counted as (select word, records, sum(records) over (order by records, word) as together from asked where records between 1 and ${common - 1}),
      telling as materialized (select ? || '{text} : (' || group_concat(word, ' OR ') || ')' as match from counted where together <= ${ranked} having count(*) > 0),
      ranked as materialized (select rowid as num, rank from memory_text
        where memory_text match coalesce((select match from telling), ?) order by rowid desc limit ${metadata ? -1 : ranked}),
      worded as (select t.num as num, t.rank as rank from ranked t cross join memory_record r on r.num = t.num
        where r.space in (${marks(spaces)}) and ${live.sql} order by t.rank limit ${depth}),
      by_word as (select num, row_number() over (order by rank, num) as place from worded)`,
    params: [
      rarely,
      JSON.stringify(keywords.map(quoted)),
      rarely,
      `${within}{text} : (${keywords.map(quoted).join(" OR ")})`,
      ...spaces,
      ...live.params,
    ],
  };
}

/** FTS5 reads a query up to its first zero. */
const quoted = (word: string): string => `"${word.replaceAll('"', '""').replaceAll("\0", " ")}"`;

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
