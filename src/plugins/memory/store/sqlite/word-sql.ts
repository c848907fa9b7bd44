import type { StoreQuery } from "../store.ts";
import { depth, liveOf, marks, type Plan, type SearchStatement } from "./statement.ts";

/** A word is common that is in so many records. */
const common = 1_000;
/** How many records are ranked by their words: those of the rarest words, or the newest where all words are common. */
const ranked = 2_048;

/**
 * The records that are best by their words, in their order, as numbers.
 *
 * A word that is in very many records tells little and costs much, as each is ranked: where others are rarer it is left out. What the spaces make of the
 * index decides how words are kept within them: of little of it by their numbers as words, of most of it by the rows, since to weigh such a number takes
 * longer than to rank by the words.
 */
export function wordStatement(query: StoreQuery, { words }: Plan): SearchStatement {
  const { spaces, keywords, metadata } = query;
  const live = liveOf(query);
  const within = `{space} : (${spaces.map((space) => `"${space}"`).join(" OR ")}) AND `;
  const rarely = words === "ROWS" ? "" : within;
  return {
    sql: `with asked as materialized (select value as word,
          (select count(*) from (select 1 from memory_text where memory_text match ? || '{text} : ' || value limit ${common})) as records
        from json_each(?)),
      counted as (select word, records, sum(records) over (order by records, word) as together from asked where records between 1 and ${common - 1}),
      telling as materialized (select ? || '{text} : (' || group_concat(word, ' OR ') || ')' as match from counted where together <= ${ranked} having count(*) > 0),
      ranked as materialized (select rowid as num, rank from memory_text
        where memory_text match coalesce((select match from telling), ?) order by rowid desc limit ${metadata ? -1 : ranked}),
      worded as (select t.num as num, t.rank as rank from ranked t cross join memory_record r on r.num = t.num
        where r.space in (${marks(spaces)}) and ${live.sql} order by t.rank limit ${depth})
      select num from worded order by rank, num`,
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
