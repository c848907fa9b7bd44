import type { Database, SqlTx } from "#weftline";
import type { EmbedderKey, MemoryStore } from "../store.ts";

/** What of the store is about embedders, and about records that wait for one. */
export type EmbedderStore = Pick<MemoryStore, "embedder" | "knownEmbedder" | "unembedded" | "countUnembedded">;

export function createEmbedderStore(read: Database["read"]): EmbedderStore {
  return {
    embedder: async ({ sql }, embedder) => {
      const known = await numberOf(sql, embedder);
      if (known !== undefined) return known;
      const made = await sql.get<{ num: number }>(
        "insert into memory_embedder (id, dimensions, version) values (?, ?, ?) returning num",
        ...keyOf(embedder),
      );
      return made?.num ?? 0;
    },
    knownEmbedder: (embedder) => numberOf(read, embedder),
    unembedded: ({ embedder, which, after, limit }) =>
      which === "none"
        ? read.all("select num, text from memory_record where embedder_num is null and num > ? order by num limit ?", after, limit)
        : // In their order, from where the last batch ended: by the index all would be sorted for each batch.
          read.all(
            "select num, text from memory_record not indexed where num > ? and embedder_num > 0 and embedder_num <> ? order by num limit ?",
            after,
            embedder,
            limit,
          ),
    countUnembedded: async ({ embedder, which, after, most }) => {
      // By ranges of the index: those of the embedder itself, mostly all that there are, are not looked at.
      const [where, numbers] =
        which === "none"
          ? (["embedder_num is null", []] as const)
          : (["embedder_num in (select num from memory_embedder where num <> ?)", [embedder]] as const);
      const row = await read.get<{ n: number }>(
        `select count(*) as n from (select 1 from memory_record where ${where} and num > ? limit ?)`,
        ...numbers,
        after,
        most,
      );
      return row?.n ?? 0;
    },
  };
}

const keyOf = ({ id, dimensions, version }: EmbedderKey) => [id, dimensions, version] as const;

async function numberOf(sql: Pick<SqlTx["sql"], "get">, embedder: EmbedderKey): Promise<number | undefined> {
  const row = await sql.get<{ num: number }>(
    "select num from memory_embedder where id = ? and dimensions = ? and version = ?",
    ...keyOf(embedder),
  );
  return row?.num;
}
