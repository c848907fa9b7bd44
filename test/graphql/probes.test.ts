import { renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { health } from "../../src/plugins/health/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../src/testing/index.ts";
import { probePlugin } from "./fixture.ts";

const paths = ["/livez", "/readyz", "/healthz"] as const;
const serve = (): Promise<TestPlatform> => testPlatform({ plugins: [health(), probePlugin()], viewers: [testViewer("ada")] });

async function probe(app: TestPlatform, path: string, method = "GET"): Promise<readonly [number, string]> {
  const response = await fetch(new URL(path, app.url), { method });
  return [response.status, await response.text()];
}

describe("the probes", () => {
  it.each(paths)("%s answers one word to GET and HEAD, without credentials, and to nothing else", async (path) => {
    await using app = await serve();
    await vi.waitFor(async () => expect(await probe(app, path)).toEqual([200, '{"status":"UP"}']));
    expect(await probe(app, path, "HEAD")).toEqual([200, ""]);
    for (const method of ["POST", "PUT", "DELETE"]) {
      const refused = await fetch(new URL(path, app.url), { method });
      expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    }
  });

  it("tell a database that is gone from a process that is", async () => {
    await using app = await serve();
    expect((await probe(app, "/readyz"))[0]).toBe(200);
    const file = join(app.dataDir, "weftline.db");
    renameSync(file, `${file}.away`);
    await vi.waitFor(async () => expect(await probe(app, "/readyz")).toEqual([503, '{"status":"DOWN"}']), 10_000);
    expect(await probe(app, "/livez")).toEqual([200, '{"status":"UP"}']);
    renameSync(`${file}.away`, file);
    await vi.waitFor(async () => expect((await probe(app, "/readyz"))[0]).toBe(200), 10_000);
  });

  it("tell a database that lacks a migration of this version", async () => {
    await using app = await serve();
    const { database } = app.platform;
    const name = database.migrationNames.at(-1) ?? "";
    await database.commit(({ sql }) => sql.run("delete from weftline_migration where name = ?", name));
    await vi.waitFor(async () => expect(await probe(app, "/readyz")).toEqual([503, '{"status":"DOWN"}']), 10_000);
    expect((await probe(app, "/livez"))[0]).toBe(200);
  });

  it("do not wait for a write that takes long, but say so", async () => {
    await using app = await serve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const write = app.platform.database.commit(() => promise);
    const start = performance.now();
    expect(await probe(app, "/readyz")).toEqual([503, '{"status":"DOWN"}']);
    expect(performance.now() - start).toBeGreaterThan(1_900);
    expect((await probe(app, "/livez"))[0]).toBe(200);
    resolve();
    await write;
    await vi.waitFor(async () => expect((await probe(app, "/readyz"))[0]).toBe(200), 10_000);
  });

  it("ask the database about once a second, however many ask them", async () => {
    await using app = await serve();
    let asked = 0;
    app.platform.database.probeCommits((at) => void (asked += at === "ready.before" ? 1 : 0));
    const start = performance.now();
    for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 50 }, () => probe(app, "/readyz")));
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - start) / 1_000));
  });
});
