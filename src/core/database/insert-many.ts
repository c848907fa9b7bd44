import type { Sql, SqlValue } from "./sql.ts";

/** How many rows one statement may bring, most first: few lengths, so that each text is prepared once. */
const lengths = [32, 8, 4, 3, 2, 1];

/** Writes rows, many a statement. */
export type InsertMany = (sql: Sql, rows: readonly (readonly SqlValue[])[]) => Promise<void>;

/**
 * An insert of many rows into one table.
 *
 * @example
 * const insertSteps = insertMany("insert into steps (id, name) values", "(?, ?)");
 * await insertSteps(sql, [["1", "warp"], ["2", "weft"]]);
 *
 * @param head the statement up to the rows.
 * @param row one of them, with a `?` for each value.
 */
export function insertMany(head: string, row: string): InsertMany {
  const texts = new Map(lengths.map((length) => [length, `${head} ${Array.from({ length }, () => row).join(", ")}`]));
  return async (sql, rows) => {
    for (let at = 0; at < rows.length;) {
      const left = rows.length - at;
      const length = lengths.find((each) => each <= left) ?? 1;
      await sql.run(texts.get(length) ?? "", ...rows.slice(at, at + length).flat());
      at += length;
    }
  };
}
