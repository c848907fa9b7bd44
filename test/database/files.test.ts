import { chmodSync, mkdtempSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { files, health } from "../../src/plugins/index.ts";
import { testPlatform, type TestPlatform } from "../../src/testing/index.ts";

let dataDir: string;

beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), "weftline-files-")), "data");
});

afterEach(() => rmSync(join(dataDir, ".."), { recursive: true, force: true }));

const boot = (): Promise<TestPlatform> => testPlatform({ dataDir, plugins: [health(), files()] });

/** Permissions of everything in the folder that others would have. */
function openToOthers(): string[] {
  const paths = ["", ...readdirSync(dataDir, { recursive: true, encoding: "utf8" })].map((name) => join(dataDir, name));
  return paths.filter((path) => (statSync(path).mode & 0o077) !== 0);
}

/** Vitest's workers may not change the umask, so the folder stands there with the modes that one would give. */
describe("the files of a server", () => {
  it("are for its user alone, in folders of the same kind", async () => {
    await using app = await boot();
    expect(readdirSync(app.dataDir)).toEqual(expect.arrayContaining(["weftline.db", "weftline.db-wal", "weftline.stamp"]));
    expect(openToOthers()).toEqual([]);
  });

  it("are taken from others where an earlier version left them readable", async () => {
    await (await boot()).close();
    mkdirSync(join(dataDir, "files", "ab"), { recursive: true });
    for (const folder of [dataDir, join(dataDir, "files"), join(dataDir, "files", "ab")]) chmodSync(folder, 0o755);
    for (const name of ["weftline.db", "weftline.db.lock", "weftline.stamp"]) chmodSync(join(dataDir, name), 0o644);
    await using app = await boot();
    expect(app.dataDir).toBe(dataDir);
    await expect.poll(openToOthers).toEqual([]);
  });
});

const create = 'mutation { createFile(input: { name: "a", mediaType: "text/plain", size: 1 }) { __typename } }';

describe.each(["weftline.db", "weftline.db-wal"])("a %s that goes while the server runs", (name) => {
  it("makes the server refuse writes and be DOWN, until it is back", async () => {
    await using app = await boot();
    const state = async () => (await app.graphql<{ health: { status: string } }>("{ health { status } }")).health.status;
    const write = async () => (await app.platform.execute({ query: create, viewer })).errors?.[0]?.extensions["code"];
    expect([await state(), await write()]).toEqual(["UP", undefined]);
    const aside = join(dataDir, "aside");
    renameSync(join(dataDir, name), aside);
    await expect.poll(write).toBe("UNAVAILABLE");
    expect([await state(), await write()]).toEqual(["DOWN", "UNAVAILABLE"]);
    // Another file of the name is not the one that is open.
    writeFileSync(join(dataDir, name), "");
    expect([await state(), await write()]).toEqual(["DOWN", "UNAVAILABLE"]);
    renameSync(aside, join(dataDir, name));
    await expect.poll(state).toBe("UP");
    expect(await write()).toBeUndefined();
  });
});

const viewer = { tenantId: "acme", actorId: "ada", name: "Ada", roles: [] };
