import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database, type DatabaseOptions } from "../../src/core/database/database.ts";

/** One empty database that can be opened, closed and opened again. */
export interface Place {
  open(options: Pick<DatabaseOptions, "entities"> & Partial<DatabaseOptions>): Database;
  remove(): Promise<void>;
}

/** A kind of store that the suites run on. What they demand holds for every one. */
export interface Store {
  readonly name: string;
  place(): Place;
}

export const stores: readonly Store[] = [{ name: "sqlite", place: sqlitePlace }];

function sqlitePlace(): Place {
  const folder = mkdtempSync(join(tmpdir(), "weftline-database-"));
  const opened: Database[] = [];
  return {
    open: (options) => {
      const database = new Database({ file: join(folder, "test.db"), migrations: [], ...options });
      opened.push(database);
      return database;
    },
    remove: async () => {
      for (const database of opened) await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
