import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testPlatform } from "../../src/testing/index.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "weftline-room-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a table of some MiB and drops its rows again. */
async function writeAndDelete(app: Awaited<ReturnType<typeof testPlatform>>): Promise<void> {
  const { database } = app.platform;
  const row =
    "insert into platform_idempotency_key (tenant_id, owner_id, mutation, key, body_hash, result, created_at) values ('t', 'o', 'm', ?, '', ?, 0)";
  await database.commit(async ({ sql }) => {
    for (let n = 0; n < 500; n++) await sql.run(row, `${n}`, JSON.stringify("x".repeat(4_000)));
  });
  await database.commit(({ sql }) => sql.run("delete from platform_idempotency_key"));
}

const figure = async (app: Awaited<ReturnType<typeof testPlatform>>, name: string): Promise<number> =>
  (await app.platform.database.read.get<{ n: number }>(`select ${name} as n from pragma_${name}`))?.n ?? 0;

describe("room in the database file", () => {
  it("is given back in steps of some pages, until none is left", async () => {
    await using app = await testPlatform({ plugins: [], dataDir: folder });
    await writeAndDelete(app);
    const free = await figure(app, "freelist_count");
    const pages = await figure(app, "page_count");
    expect(free).toBeGreaterThan(300);
    const given: number[] = [];
    for (let bytes = await app.platform.database.shrink(); bytes > 0; bytes = await app.platform.database.shrink()) given.push(bytes);
    expect(Math.max(...given)).toBeLessThanOrEqual(64 * 4_096);
    expect(given.length).toBeGreaterThan(3);
    expect(await figure(app, "freelist_count")).toBe(0);
    expect(await figure(app, "page_count")).toBeLessThanOrEqual(pages - free);
  });

  it("stays in a file of an earlier version, which is used on as it is", async () => {
    const old = new BetterSqlite(join(folder, "weftline.db"));
    old.exec("create table earlier (x); drop table earlier");
    old.close();
    await using app = await testPlatform({ plugins: [], dataDir: folder });
    expect(await figure(app, "auto_vacuum")).toBe(0);
    await writeAndDelete(app);
    expect(await app.platform.database.shrink()).toBe(0);
    expect(await figure(app, "freelist_count")).toBeGreaterThan(300);
  });
});
