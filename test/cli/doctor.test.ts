import Database from "better-sqlite3";
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { sealedValues } from "#weftline";
import type { Finding, Patient } from "../../src/cli/doctor/check.ts";
import { loadConfig } from "../../src/cli/config-file.ts";
import { diskCheck } from "../../src/cli/doctor/folder.ts";
import { createPlatform } from "../../src/core/platform.ts";
import type { TestPlatform } from "../../src/testing/index.ts";
import { filesPlatform, uploaded } from "../plugins/files/fixture.ts";
import { killTree, spawnCli, urlOf } from "./server.ts";
import { newFolder, root, weftline } from "./terminal.ts";

let folder: string;
let data: string;
let listening: Server[];
beforeEach(() => {
  folder = newFolder();
  data = join(folder, "data");
  listening = [];
});
afterEach(() => {
  for (const server of listening) server.close();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

interface Report {
  readonly v: number;
  readonly status: string;
  readonly findings: readonly Finding[];
}

/** A report, and what it says of one part. */
async function doctor(...args: string[]): Promise<Report & { readonly code: number; of(check: string): readonly Finding[] }> {
  const { code, out } = await weftline("doctor", "--json", "--data", data, ...args);
  const report = JSON.parse(out) as Report;
  expect(report.v).toBe(1);
  return { ...report, code, of: (check) => report.findings.filter((finding) => finding.check === check) };
}

const errorsOf = ({ findings }: Report): string[] => findings.filter(({ status }) => status === "error").map(({ check }) => check);

async function filled<T>(work: (app: TestPlatform) => Promise<T>): Promise<T> {
  await using app = await filesPlatform({}, data);
  return await work(app);
}

/** Brings the folder to the level of the built-in configuration, which lists more plugins. */
async function migrated(): Promise<void> {
  const { config: builtIn } = await loadConfig();
  const platform = await createPlatform({ ...builtIn, dataDir: data, logLevel: "silent" }, { migrate: "automatic" });
  await platform.close();
}

function config(text: string): string[] {
  const file = join(folder, `config-${readdirSync(folder).length}.ts`);
  const plugins = JSON.stringify(join(root, "src/plugins/index.ts"));
  writeFileSync(file, `import * as p from ${plugins};\n${text}`);
  return ["--config", file];
}

describe("doctor", () => {
  it("finds nothing wrong where nothing is, and exits 0 on warnings", async () => {
    const fresh = await doctor();
    expect([fresh.code, fresh.status, errorsOf(fresh)]).toEqual([0, "warning", []]);
    expect(fresh.of("database")).toMatchObject([{ status: "warning", detail: expect.stringContaining("There is no database") }]);
    await filled((app) => uploaded(app));
    await migrated();
    const report = await doctor();
    expect([report.code, errorsOf(report)]).toEqual([0, []]);
    for (const check of [
      "configuration",
      "plugins",
      "runtime",
      "packages",
      "clock",
      "data folder",
      "lock",
      "database",
      "schema",
      "stamp",
      "secrets",
      "files",
      "mcp",
    ])
      expect(report.of(check), check).toMatchObject([{ status: "ok" }]);
    expect(report.of("files")[0]?.detail).toContain("1 file of 5 B");
    expect(report.of("models")).toMatchObject([{ status: "warning", detail: expect.stringContaining("a simulated model answers") }]);
  });

  it("says for people what is wrong, and what to do", async () => {
    const { code, out, said } = await weftline("doctor", "--data", data);
    expect([code, out]).toEqual([0, ""]);
    expect(said).toMatch(/^✓ configuration {2}.*plugins\.config\.ts$/m);
    expect(said).toMatch(/^! database .*\n {2}→ The first start makes it\.$/m);
    expect(said).toMatch(/^0 errors, \d warnings?\.$/m);
  });

  it.each([
    { what: "throws", text: 'throw new Error("no luck");\nexport default {};', says: /no luck/, check: "configuration" },
    { what: "exports nothing", text: "", says: /no default export/, check: "configuration" },
    {
      what: "has options that are none",
      text: "export default { plugins: [p.models({ bindings: { openai: { baseURL: 5 } } })] };",
      says: /models: .*baseURL.*PLUGIN_CONFIG_INVALID/,
      check: "plugins",
    },
    { what: "lacks what a plugin requires", text: "export default { plugins: [p.chat()] };", says: /SERVICE_MISSING/, check: "plugins" },
  ])("goes on with a configuration that $what", async ({ text, says, check }) => {
    await filled((app) => uploaded(app));
    const report = await doctor(...config(text));
    expect(report.code).toBe(1);
    expect(new Set(errorsOf(report))).toEqual(new Set([check]));
    expect(report.of(check)[0]?.detail).toMatch(says);
    expect(report.of("database")).toMatchObject([{ status: "ok" }]);
    expect(report.of("stamp")).toMatchObject([{ status: "ok" }]);
  });

  it("knows a port that another program has from one that the server of the folder has", async () => {
    const other = createServer((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"));
    listening.push(other);
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const args = (at: number): string[] => config(`export default { plugins: [p.auth()], server: { port: ${at} } };`);
    const taken = await doctor(...args(port));
    expect(errorsOf(taken)).toEqual(["address"]);
    expect(taken.of("address")[0]).toMatchObject({
      detail: expect.stringContaining("taken by another program"),
      fix: expect.stringContaining("--port"),
    });

    const running = spawnCli(["start", "--port", "0", "--data", data], { cwd: root });
    try {
      const served = Number(new URL(await urlOf(running)).port);
      const report = await doctor(...args(served));
      expect(report.of("address")).toMatchObject([
        { status: "ok", detail: `127.0.0.1:${served} is served by Weftline, process ${running.child.pid}.` },
      ]);
      expect(report.of("lock")).toMatchObject([{ detail: `Held by process ${running.child.pid}` }]);
      expect(errorsOf(await doctor())).toEqual([]);
    } finally {
      await killTree(running);
    }
    expect((await doctor()).of("lock")).toMatchObject([{ detail: "No server has the database open" }]);
  });

  it("warns of what other users may read, and takes it from them when told to", async () => {
    await filled((app) => uploaded(app));
    chmodSync(data, 0o755);
    chmodSync(join(data, "weftline.db"), 0o644);
    chmodSync(join(data, "files"), 0o750);
    const report = await doctor();
    expect(report.of("data folder")).toMatchObject([{ status: "warning", fix: "Run: weftline doctor --fix" }]);
    expect(statSync(join(data, "weftline.db")).mode & 0o777).toBe(0o644);
    expect((await doctor("--fix")).of("data folder")).toMatchObject([
      { status: "ok", detail: expect.stringContaining("Took 3 files and folders") },
    ]);
    for (const [name, mode] of [
      [".", 0o700],
      ["weftline.db", 0o600],
      ["files", 0o700],
    ] as const)
      expect(statSync(join(data, name)).mode & 0o777).toBe(mode);
  });

  it("finds a database that is damaged, or is none, and checks the rest", async () => {
    await filled((app) => uploaded(app));
    const file = join(data, "weftline.db");
    truncateSync(file, statSync(file).size - 40_960);
    const cut = await doctor();
    expect(cut.code).toBe(1);
    expect(cut.of("database")[0]).toMatchObject({ status: "error", fix: expect.stringContaining("weftline restore") });
    expect(cut.of("data folder")).toMatchObject([{ status: "ok" }]);
    writeFileSync(file, "not a database, but long enough to be taken for the head of one by whoever looks at its size alone".repeat(20));
    const none = await doctor();
    expect(none.of("database")).toMatchObject([{ status: "error", detail: expect.stringContaining("cannot be read") }]);
    expect(none.of("configuration")).toMatchObject([{ status: "ok" }]);
    for (const report of [cut, none]) expect(errorsOf(report)).toEqual(["database"]);
    expect(none.of("files")).toMatchObject([{ status: "warning", detail: "Not looked at: the database cannot be read." }]);
  });

  it("tells a database that is gone, or was emptied, from one that is not there yet", async () => {
    await filled((app) => uploaded(app));
    const file = join(data, "weftline.db");
    truncateSync(file, 0);
    const emptied = await doctor();
    expect([emptied.code, emptied.of("database")]).toMatchObject([
      1,
      [{ status: "error", detail: expect.stringContaining("is empty"), fix: expect.stringContaining("weftline restore") }],
    ]);
    rmSync(file);
    const gone = await doctor();
    expect([gone.code, gone.of("database")]).toMatchObject([
      1,
      [{ status: "error", detail: expect.stringContaining("where one was used"), fix: expect.stringContaining("new, empty one") }],
    ]);
  });

  it("does not call a database damaged that only cannot be opened here", async () => {
    await filled((app) => uploaded(app));
    // As on a disk that is read-only or full: SQLite cannot write beside the file.
    mkdirSync(join(data, "weftline.db-wal"));
    const report = await doctor();
    expect([report.code, errorsOf(report)]).toEqual([1, ["database"]]);
    expect(report.of("database")).toMatchObject([
      { detail: expect.stringContaining("cannot be read"), fix: expect.stringContaining("Nothing says that it is damaged") },
    ]);
    expect(report.of("database")[0]?.fix).not.toContain("restore");
  });

  it("names a data folder that is a link which leads nowhere", async () => {
    symlinkSync(join(folder, "not-mounted"), data);
    expect((await doctor()).of("data folder")).toMatchObject([{ status: "error", detail: expect.stringContaining("leads nowhere") }]);
  });

  it("warns of a write-ahead log and of free pages that have grown large", async () => {
    await filled((app) => uploaded(app));
    const file = join(data, "weftline.db");
    const handle = new Database(file);
    handle.exec("pragma journal_mode = delete; pragma auto_vacuum = none; vacuum; pragma synchronous = off; pragma secure_delete = off;");
    handle.exec("create table example_bulk (bytes blob)");
    for (let at = 0; at < 5; at++) handle.prepare("insert into example_bulk values (zeroblob(?))").run(60 * 2 ** 20);
    handle.exec("drop table example_bulk; pragma journal_mode = wal;");
    handle.close();
    writeFileSync(`${file}-wal`, "");
    truncateSync(`${file}-wal`, 300 * 2 ** 20);
    const report = await doctor();
    expect(report.of("database")).toMatchObject([
      { status: "ok" },
      {
        status: "warning",
        detail: expect.stringMatching(/^The write-ahead log has 300 MiB/),
        fix: expect.stringContaining("restart the server"),
      },
      {
        status: "warning",
        detail: expect.stringMatching(/^300 MiB of 30\d MiB in the database are free pages/),
        fix: expect.stringContaining("Retention"),
      },
    ]);
    expect(report.code).toBe(0);
  });

  it("finds references that lead nowhere", async () => {
    await filled((app) => uploaded(app));
    const handle = new Database(join(data, "weftline.db"));
    handle.exec("create table example_loose (id integer primary key, parent text references files_file (id)); pragma foreign_keys = off;");
    handle.exec("insert into example_loose values (1, 'nowhere')");
    handle.close();
    const report = await doctor();
    expect(report.of("database")).toMatchObject([
      { status: "error", detail: expect.stringContaining("row 1 of example_loose refers to a row of files_file") },
    ]);
  });

  it("knows a newer schema, one that waits for migrations, and tables of a plugin that is gone", async () => {
    await filled((app) => uploaded(app));
    await migrated();
    const change = (sql: string): void => {
      const handle = new Database(join(data, "weftline.db"));
      handle.exec(sql);
      handle.close();
    };
    change("insert into weftline_migration (name, executed_at) values ('gone/202601010000_initial', 0)");
    expect((await doctor()).of("schema")).toMatchObject([{ status: "ok" }, { status: "ok", detail: expect.stringContaining('"gone"') }]);
    change("insert into weftline_migration (name, executed_at) values ('runs/209901010000_later', 0)");
    const newer = await doctor();
    expect([newer.code, newer.of("schema")]).toMatchObject([
      1,
      [{ status: "error", detail: expect.stringContaining("A later version made this database: runs/209901010000_later") }],
    ]);
    change("delete from weftline_migration where name like '%2099%' or name like 'webhooks/%'");
    expect((await doctor()).of("schema")[0]).toMatchObject({ status: "warning", detail: expect.stringContaining("To be applied") });
    vi.stubEnv("WEFTLINE_MODE", "production");
    const production = config(
      'export default { mode: "production", plugins: [p.auth(), p.webhooks(), p.capabilities(), p.agents(), p.models(), p.workflows(), p.schedules(), p.chat(), p.files()] };',
    );
    expect((await doctor(...production)).of("schema")[0]).toMatchObject({
      status: "error",
      fix: expect.stringContaining("weftline migrate up"),
    });
  });

  it("opens what is sealed with the keys that are there, and shows none of it", async () => {
    await filled((app) =>
      app.platform.database.commit((tx) =>
        app.platform.use(sealedValues).seal(tx, { tenantId: "test", purpose: "tests.secret", value: "hunter2" }),
      ),
    );
    const key = readFileSync(join(data, "secret.key"), "utf8").trim();
    const open = await doctor();
    expect(open.of("secrets")).toMatchObject([{ status: "ok", detail: "1 sealed secret, all of them open" }]);
    rmSync(join(data, "secret.key"));
    const lost = await doctor();
    expect([lost.code, errorsOf(lost)]).toEqual([1, ["secrets"]]);
    expect(lost.of("secrets")[0]).toMatchObject({
      detail: expect.stringContaining("SECRET_KEY_UNKNOWN"),
      fix: expect.stringContaining("secret.key back"),
    });
    expect(JSON.stringify([open, lost])).not.toMatch(new RegExp(`hunter2|${key.replaceAll(/[+/]/g, "\\$&")}`));
  });

  it("finds files whose bytes are gone or others, and counts those without a row", async () => {
    await filled(async (app) => {
      for (const text of ["first", "other", "third"]) await uploaded(app, text);
    });
    const files = join(data, "files");
    const places = (readdirSync(files, { recursive: true }) as string[]).filter((name) => statSync(join(files, name)).isFile());
    rmSync(join(files, places[0] ?? ""));
    writeFileSync(join(files, places[1] ?? ""), "longer than before");
    writeFileSync(join(files, places[2] ?? ""), "tirhd");
    mkdirSync(join(files, "zz"));
    writeFileSync(join(files, "zz", "unknown-zz"), "x");
    const report = await doctor();
    expect([report.code, errorsOf(report)]).toEqual([1, ["files"]]);
    const detail = report.of("files")[0]?.detail ?? "";
    expect(detail).toContain(`${places[0]} is missing`);
    expect(detail).toContain(`${places[1]} has another length than its row says`);
    expect(detail).not.toContain(places[2]);
    expect((await doctor("--thorough")).of("files")[0]?.detail).toContain(`${places[2]} has other bytes than its row says`);
    for (const name of places) writeFileSync(join(files, name), "third");
    expect((await doctor()).of("files")).toMatchObject([{ status: "ok", detail: expect.stringContaining("1 file that no row knows") }]);
  });

  it("warns of a database that is another one than the folder was last used with", async () => {
    await filled((app) => uploaded(app));
    rmSync(join(data, "weftline.stamp"));
    const report = await doctor();
    expect([report.code, report.of("stamp")]).toMatchObject([
      0,
      [{ status: "warning", fix: expect.stringContaining("clients get a snapshot") }],
    ]);
  });

  it("asks providers and MCP servers only when told to", async () => {
    let asked = 0;
    const provider = createServer((socket) => {
      asked++;
      socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    });
    listening.push(provider);
    await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    const args = config(
      `export default { plugins: [p.auth(), p.health(), p.capabilities(), p.agents(), p.models({ bindings: { lab: { baseURL: "${at}/v1", apiKey: "sk-secret-key", defaultModel: "m" } } }),
        p.mcp({ servers: { here: { command: "node" }, gone: { command: "no-such-program-at-all" }, far: { url: "${at}/mcp" } } })], server: { port: 0 } };`,
    );
    const quiet = await doctor(...args);
    expect(asked).toBe(0);
    expect(quiet.of("models")).toMatchObject([{ status: "ok", detail: "lab: has a key; --online asks it" }]);
    expect(quiet.of("mcp").map(({ status }) => status)).toEqual(["ok", "error", "ok"]);
    const online = await doctor("--online", ...args);
    expect(asked).toBeGreaterThan(0);
    expect(online.of("models")).toMatchObject([{ status: "error", detail: expect.stringContaining("refuses the key (401)") }]);
    expect(JSON.stringify(online)).not.toContain("sk-secret-key");
  });

  it("names a bind that others reach where callers need no credentials", async () => {
    const report = await doctor(...config('export default { plugins: [p.auth()], server: { host: "0.0.0.0", port: 0 } };'));
    expect(report.of("address")).toMatchObject([{ status: "error", detail: expect.stringContaining("BIND_WITHOUT_AUTH") }]);
  });

  it("ends a restore that was lost on its way when told to", async () => {
    await filled((app) => uploaded(app));
    mkdirSync(join(data, ".restore"), { mode: 0o700 });
    expect((await doctor()).of("data folder")).toContainEqual(
      expect.objectContaining({ status: "warning", detail: "A restore was lost on its way." }),
    );
    await doctor("--fix");
    expect(readdirSync(data)).not.toContain(".restore");
  });

  it.each([
    { free: 10 * 2 ** 20, status: "error" },
    { free: 500 * 2 ** 20, status: "warning" },
    { free: 50 * 2 ** 30, status: "ok" },
  ])("calls a disk with $free free bytes: $status", async ({ free, status }) => {
    const check = diskCheck(async () => ({ bavail: free, blocks: 100 * 2 ** 30, bsize: 1 }));
    expect(await check.run({ dataDir: folder } as Patient)).toMatchObject([{ status }]);
  });
});
