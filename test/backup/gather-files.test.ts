import Database from "better-sqlite3";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { gatherFiles, type GatherOptions } from "../../src/core/backup/gather-files.ts";
import { DatabaseSnapshot } from "../../src/core/database/snapshot.ts";
import type { KeptFiles } from "../../src/core/kept-files.ts";

let folder: string;
let live: Database.Database;
let snapshot: DatabaseSnapshot;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weftline-gather-"));
  mkdirSync(join(folder, "data", "shelf", "all"), { recursive: true });
  live = new Database(join(folder, "live.db"));
  live.pragma("journal_mode = WAL");
  live.exec("create table shelf_file (id text primary key, size integer, sha256 text)");
  snapshot = new DatabaseSnapshot(join(folder, "live.db"));
});
afterEach(() => {
  snapshot.close();
  live.close();
  rmSync(folder, { recursive: true });
});

const place = (path: string): string => join(folder, "data", "shelf", "all", path);

/** As a plugin does it: bytes before the row, and the row gone before the bytes. */
function add(path: string): void {
  writeFileSync(place(path), path);
  live.prepare("insert into shelf_file values (?, ?, ?)").run(path, path.length, createHash("sha256").update(path).digest("hex"));
}
function remove(path: string): void {
  live.prepare("delete from shelf_file where id = ?").run(path);
  rmSync(place(path));
}

/** Files of a plugin, with something that happens in the middle of each listing: after the rows were read, before the bytes are. */
function shelf(onList: (round: number) => void): KeptFiles {
  const read = snapshot.sql.all.bind(snapshot.sql);
  let round = 0;
  vi.spyOn(snapshot.sql, "all").mockImplementation(async (sql, ...params) => {
    const rows = await read(sql, ...params);
    if (sql.includes("order by")) onList(round++);
    return rows as never;
  });
  return { table: "shelf_file", columns: { id: "id", size: "size", sha256: "sha256" }, folderOf: () => "all" };
}

const gather = (kept: KeptFiles): ReturnType<typeof gatherFiles> => {
  const options: GatherOptions = {
    snapshot,
    kept: new Map([["shelf", kept]]),
    from: join(folder, "data"),
    to: join(folder, "copy"),
    signal: new AbortController().signal,
    told: () => undefined,
  };
  return gatherFiles(options);
};

it("chooses a later moment where a file that came and went was not copied in time", async () => {
  add("stays");
  add("goes-early");
  const { gathered, stale } = await gather(
    shelf((round) => {
      if (round === 0) add("flash");
      if (round === 1) remove("flash");
      if (round === 1) remove("goes-early");
    }),
  );
  // At the second moment no row knows the two; one of them was copied before.
  expect(gathered["shelf"]).toEqual({ count: 1, bytes: 5, unsound: 0 });
  expect(stale).toEqual([join("shelf", "all/goes-early")]);
  expect(await snapshot.sql.all("select id from shelf_file")).toEqual([{ id: "stays" }]);
});

it("keeps what a row of the moment knows, though it is deleted right after", async () => {
  add("deleted-later");
  const { gathered } = await gather(shelf((round) => round === 1 && remove("deleted-later")));
  expect(gathered["shelf"]).toEqual({ count: 1, bytes: 13, unsound: 0 });
  expect(existsSync(place("deleted-later"))).toBe(false);
  expect(readdirSync(join(folder, "copy", "shelf", "all"))).toEqual(["deleted-later"]);
});

it("counts bytes that were lost or damaged before, and does not wait for them", async () => {
  for (const path of ["sound", "lost", "damaged"]) add(path);
  rmSync(place("lost"));
  writeFileSync(place("damaged"), "DAMAGED");
  const { gathered } = await gather(shelf(() => undefined));
  expect(gathered["shelf"]).toEqual({ count: 2, bytes: 12, unsound: 2 });
});

it("copies nothing from outside the folder, whatever a row says", async () => {
  writeFileSync(join(folder, "secret"), "secret");
  live.prepare("insert into shelf_file values ('../../../secret', 6, 'x')").run();
  const { gathered } = await gather(shelf(() => undefined));
  expect(gathered["shelf"]).toEqual({ count: 0, bytes: 0, unsound: 1 });
  expect(existsSync(join(folder, "copy"))).toBe(false);
});

it("gives up in words where files go faster than a moment lasts", async () => {
  let next = 0;
  await expect(
    gather(
      shelf((round) => {
        if (round > 0) remove(`flash-${next++}`);
        add(`flash-${next}`);
      }),
    ),
  ).rejects.toMatchObject({ code: "BACKUP_FAILED" });
});
