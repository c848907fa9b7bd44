import type { StoreQuery } from "../store.ts";

/** A statement of a search. */
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
export const depth = 60;

/** What may be found of the spaces: neither superseded nor expired, with the metadata that is asked for. */
export function liveOf({ metadata = {}, now }: StoreQuery): SearchStatement {
  const keys = Object.entries(metadata);
  return {
    sql: `r.superseded_by_id is null and (r.expires_at is null or r.expires_at > ?)${keys.map(() => " and json_extract(r.metadata, ?) is json_extract(?, '$')").join("")}`,
    params: [now, ...keys.flatMap(([key, value]) => [`$.${JSON.stringify(key)}`, JSON.stringify(value)])],
  };
}

export function marks(values: readonly unknown[]): string {
  return values.map(() => "?").join(", ");
}
