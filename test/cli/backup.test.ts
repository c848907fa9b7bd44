import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sealedValues } from "#weftline";
import type { BackupManifest } from "../../src/core/backup/manifest.ts";
import type { TestPlatform } from "../../src/testing/index.ts";
import { end, filesPlatform, newThread, onDisk, say, send, uploaded, viewers } from "../plugins/files/fixture.ts";
import { follow } from "./server.ts";
import { newFolder, root, weftline, type Ran } from "./terminal.ts";

let folder: string;
let dataDir: string;
let target: string;
beforeEach(() => {
  folder = newFolder();
  dataDir = join(folder, "data");
  target = join(folder, "backups", "monday");
});
afterEach(() => rmSync(folder, { recursive: true }));

const backUp = (...more: string[]): Promise<Ran> => weftline("backup", target, "--data", dataDir, ...more);
const restore = (to: string, ...more: string[]): Promise<Ran> => weftline("restore", target, "--data", to, ...more);

/** Boots on a folder for as long as some work takes. */
async function booted<T>(data: string, work: (app: TestPlatform) => Promise<T>): Promise<T> {
  await using app = await filesPlatform({}, data);
  return await work(app);
}

/** A thread with an answer and a file that it holds, and one file that nobody uses. */
async function filled(app: TestPlatform) {
  const [held, loose] = [await uploaded(app, "held"), await uploaded(app, "loose")];
  const thread = await newThread(app);
  const sent = await say(app, thread, [{ text: "Look" }, { file: held.id }]);
  return { held, loose, thread, answer: (await end(app, sent)).text };
}

interface Shown {
  readonly seq: number;
  readonly type: string;
}

async function firstEvent(app: TestPlatform, thread: string, after: number | null): Promise<Shown> {
  const events = await app.subscribe<{ threadEvents: Shown }>(
    "subscription ($thread: ID!, $after: Int) { threadEvents(thread: $thread, after: $after) { seq type } }",
    { thread, after },
    viewers.ada,
  );
  for await (const { threadEvents } of events) return threadEvents;
  throw new Error("no event");
}

const threadQuery = "query ($id: ID!) { thread(id: $id) { lastSeq messages { nodes { text } } } }";
interface ThreadShown {
  readonly thread: { readonly lastSeq: number; readonly messages: { readonly nodes: readonly { readonly text: string }[] } };
}
const read = (app: TestPlatform, id: string): Promise<ThreadShown> => app.graphql(threadQuery, { id }, viewers.ada);

/** Everything below a folder, with its mode. */
function modesOf(path: string): Map<string, string> {
  const names = readdirSync(path, { recursive: true }) as string[];
  return new Map(names.map((name) => [name, (statSync(join(path, name)).mode & 0o777).toString(8)]));
}

describe("a backup", () => {
  it("of a running server holds its rows and files for this user alone, and comes back with them", async () => {
    await booted(dataDir, async (app) => {
      const { held, loose, thread, answer } = await filled(app);
      await app.platform.database.commit((tx) =>
        app.platform.use(sealedValues).seal(tx, { tenantId: "test", purpose: "tests.secret", value: "hunter2" }),
      );
      const before = await read(app, thread);
      const ran = await backUp();
      expect(ran).toMatchObject({ code: 0, out: "" });
      expect(ran.said).toMatch(/✓ Backed up to .*monday: .* of database, 2 files of 9 B/);
      expect(ran.said).toMatch(/1 secret\. The backup does not hold the key [0-9a-f]{16}/);

      const modes = modesOf(target);
      expect(statSync(target).mode & 0o777).toBe(0o700);
      expect([...modes].filter(([name, mode]) => mode !== (statSync(join(target, name)).isDirectory() ? "700" : "600"))).toEqual([]);
      expect(readdirSync(target).toSorted()).toEqual(["backup.json", "files", "weftline.db"]);
      expect([...modes.keys()].filter((name) => name.split("/").length === 3)).toHaveLength(2);
      expect(readdirSync(join(folder, "backups"))).toEqual(["monday"]);

      // What comes after it is not in it.
      await uploaded(app, "later");
      const to = join(folder, "restored");
      const back = await restore(to);
      expect(back).toMatchObject({ code: 0, out: "" });
      expect(back.said).toMatch(/Positions in \d+ streams? go up by 1,048,576\. Clients with an earlier one get a snapshot/);
      expect(back.said).toMatch(/No key with the id [0-9a-f]{16} is configured here/);
      expect(modesOf(to).get("weftline.db")).toBe("600");
      expect(statSync(to).mode & 0o777).toBe(0o700);

      await booted(to, async (restored) => {
        expect((await read(restored, thread)).thread.messages).toEqual(before.thread.messages);
        expect(before.thread.messages.nodes.at(-1)?.text).toBe(answer);
        for (const [file, text] of [
          [held, "held"],
          [loose, "loose"],
        ] as const)
          expect(await (await send(restored, file.url)).text()).toBe(text);
        await expect.poll(() => onDisk(restored)).toHaveLength(2);
        // A reader of the lost history is handed a snapshot, not somebody else's events.
        const position = before.thread.lastSeq;
        expect(await firstEvent(restored, thread, position)).toMatchObject({ type: "snapshot" });
        expect((await read(restored, thread)).thread.lastSeq).toBe(position + 2 ** 20);
      });
    });
  });

  it("says what it holds as JSON", async () => {
    await booted(dataDir, filled);
    const ran = await backUp("--json");
    const said = JSON.parse(ran.out) as BackupManifest & { v: number; target: string };
    expect(said).toMatchObject({ v: 1, target, format: "weftline-backup", formatVersion: 1, counts: { openRuns: 0, secrets: 0 } });
    expect(said.files["files"]).toEqual({ count: 2, bytes: 9, unsound: 0 });
    expect(said.counts.rows["files_file"]).toBe(2);
    expect(said.migrations).toContain("platform/202611230602_initial");
    const { v: _, target: __, ...manifest } = said;
    expect(JSON.parse(readFileSync(join(target, "backup.json"), "utf8"))).toEqual(manifest);
    const back = JSON.parse((await restore(join(folder, "to"), "--json")).out) as object;
    expect(back).toMatchObject({ v: 1, dataDir: join(folder, "to"), missingKeys: [], unlisted: [], manifest });
  });

  it("overwrites nothing, and stands outside what it copies", async () => {
    expect(await backUp()).toMatchObject({ code: 1, said: expect.stringContaining("There is no database in") });
    expect(existsSync(target)).toBe(false);
    await booted(dataDir, filled);
    mkdirSync(target, { recursive: true });
    expect((await backUp()).code).toBe(0);
    const written = readFileSync(join(target, "backup.json"), "utf8");
    expect(await backUp()).toMatchObject({ code: 1, said: expect.stringContaining("monday is there already") });
    expect(readFileSync(join(target, "backup.json"), "utf8")).toBe(written);
    target = join(dataDir, "backup");
    expect(await backUp()).toMatchObject({ code: 1, said: expect.stringContaining("is in the data folder") });
  });

  it("names files that had lost their bytes before, and comes back without them", async () => {
    const { held } = await booted(dataDir, filled);
    for (const name of readdirSync(join(dataDir, "files"), { recursive: true }) as string[]) {
      if (name.split("/").length === 2 && readFileSync(join(dataDir, "files", name), "utf8") === "loose")
        rmSync(join(dataDir, "files", name));
    }
    const ran = await backUp();
    expect(ran).toMatchObject({ code: 0, said: expect.stringContaining("Lost or damaged before it was made: 1 file.") });
    expect((await restore(join(folder, "to"))).code).toBe(0);
    await booted(join(folder, "to"), async (app) => expect(await (await send(app, held.url)).text()).toBe("held"));
  });

  it("leaves nothing half done where the disk takes no more, and clears up after one that was killed", async () => {
    await booted(dataDir, filled);
    mkdirSync(join(folder, "backups"));
    const dead = `${target}.partial-${await deadProcess()}`;
    mkdirSync(dead);
    writeFileSync(join(dead, "weftline.db"), "half");
    // A limit on the size of a file stands in for a full disk.
    const command = `ulimit -f 100; exec "${process.execPath}" "${join(root, "src/cli/main.ts")}" backup "${target}" --data "${dataDir}"`;
    const running = follow("bash", ["-c", command], { cwd: root });
    expect(await running.ended).toBe(1);
    expect(running.said()).toMatch(/Nothing was changed in .*monday: .*\[BACKUP_FAILED\]/);
    expect(readdirSync(join(folder, "backups"))).toEqual([]);
    expect((await backUp()).code).toBe(0);
    expect(readdirSync(join(folder, "backups"))).toEqual(["monday"]);
  });

  it("of a server that writes and deletes meanwhile holds every file that its rows know", async () => {
    await booted(dataDir, async (app) => {
      let state: "on" | "off" = "on";
      const churn = async (): Promise<void> => {
        while (state === "on") {
          const file = await uploaded(app, "churned");
          await app.graphql("mutation ($file: ID!) { deleteFile(file: $file) { __typename } }", { file: file.id }, viewers.ada);
        }
      };
      const churning = [churn(), churn(), churn()];
      for (let round = 0; round < 5; round++) {
        target = join(folder, `round-${round}`);
        const ran = await backUp("--json");
        expect(ran.code, ran.said).toBe(0);
        expect((JSON.parse(ran.out) as BackupManifest).files["files"]?.unsound).toBe(0);
        const back = await restore(join(folder, `to-${round}`));
        expect(back.code, back.said).toBe(0);
      }
      state = "off";
      await Promise.all(churning);
    });
  });
});

describe("a restore", () => {
  beforeEach(async () => {
    await booted(dataDir, filled);
    await backUp();
  });

  const manifestFile = (): string => join(target, "backup.json");
  const manifest = (): BackupManifest => JSON.parse(readFileSync(manifestFile(), "utf8")) as BackupManifest;
  const rewrite = (changes: object): void => writeFileSync(manifestFile(), JSON.stringify({ ...manifest(), ...changes }));
  const aFile = (): string =>
    join(target, "files", (readdirSync(join(target, "files"), { recursive: true }) as string[]).find((name) => name.includes("/")) ?? "");

  it.each<{ what: string; harm: () => void; says: RegExp }>([
    { what: "without a manifest", harm: () => rmSync(manifestFile()), says: /No backup in .*NOT_FOUND/s },
    { what: "with a manifest that is no JSON", harm: () => writeFileSync(manifestFile(), "{"), says: /is not JSON.*BACKUP_INVALID/s },
    { what: "with a manifest of something else", harm: () => writeFileSync(manifestFile(), "[]"), says: /backup\.json: .*BACKUP_INVALID/s },
    { what: "of a later format", harm: () => rewrite({ formatVersion: 2 }), says: /later version: format 2.*BACKUP_NEWER/s },
    {
      what: "of a later version",
      harm: () => rewrite({ migrations: [...manifest().migrations, "runs/209901010000_later"], weftline: "9.0.0" }),
      says: /later version: Weftline 9\.0\.0, with the migrations runs\/209901010000_later/,
    },
    {
      what: "whose database was cut off",
      harm: () => truncateSync(join(target, "weftline.db"), 8_192),
      says: /weftline\.db is not as it was/,
    },
    {
      what: "whose database was changed",
      harm: () => appendFileSync(join(target, "weftline.db"), "x"),
      says: /weftline\.db is not as it was/,
    },
    { what: "without its database", harm: () => rmSync(join(target, "weftline.db")), says: /weftline\.db is missing/ },
    { what: "without one of its files", harm: () => rmSync(aFile()), says: /files of "files" that are missing .*: 1/ },
    { what: "with other bytes in a file", harm: () => writeFileSync(aFile(), "evil!"), says: /files of "files" that are missing .*: 1/ },
    {
      what: "whose counts are others",
      harm: () => rewrite({ counts: { ...manifest().counts, rows: { ...manifest().counts.rows, files_file: 3 } } }),
      says: /has 2 rows of files_file, not 3/,
    },
  ])("refuses a backup $what, and changes nothing", async ({ harm, says }) => {
    harm();
    const before = modesOf(dataDir);
    const to = join(folder, "new");
    const [fresh, replaced] = [await restore(to), await restore(dataDir, "--replace")];
    expect(fresh.code).toBe(1);
    expect(fresh.said).toMatch(says);
    expect(replaced.said).toMatch(says);
    expect(existsSync(to)).toBe(false);
    expect(modesOf(dataDir)).toEqual(before);
  });

  it("takes the place of other data only when told to, and never while a server runs", async () => {
    const thread = await booted(dataDir, async (app) => {
      const made = await newThread(app);
      expect(await restore(dataDir, "--replace")).toMatchObject({ code: 1, said: expect.stringContaining("[DATABASE_LOCKED]") });
      return made;
    });
    writeFileSync(join(dataDir, "secret.key"), "stays");
    expect(await restore(dataDir)).toMatchObject({ code: 1, said: expect.stringMatching(/There is data in .*--replace/s) });
    expect((await restore(dataDir, "--replace")).code).toBe(0);
    expect(readdirSync(dataDir).toSorted()).toEqual(["files", "secret.key", "weftline.db", "weftline.db.lock"]);
    rmSync(join(dataDir, "secret.key"));
    await booted(dataDir, async (app) => expect(await read(app, thread)).toEqual({ thread: null }));
  });

  it("that was lost on its way is ended by the next start", async () => {
    const lost = join(folder, "lost");
    expect((await restore(lost)).code).toBe(0);
    const ready = join(lost, ".restore-ready");
    // All is staged; the old files are put aside, and the old database and its log are not.
    mkdirSync(ready);
    for (const name of ["weftline.db", "files"]) renameSync(join(lost, name), join(ready, name));
    cpSync(join(ready, "files"), join(lost, ".restore-replaced", "files"), { recursive: true });
    renameSync(join(ready, "files"), join(lost, "files"));
    writeFileSync(join(lost, "weftline.db"), "old");
    writeFileSync(join(lost, "weftline.db-wal"), "old");
    writeFileSync(join(lost, "weftline.stamp"), "old");
    await booted(lost, async (app) => {
      const { files } = await app.graphql<{ files: { totalCount: number } }>("{ files { totalCount } }", {}, viewers.ada);
      expect(files.totalCount).toBe(2);
      await expect.poll(() => onDisk(app)).toHaveLength(2);
    });
    expect(readdirSync(lost).filter((name) => name.startsWith(".restore"))).toEqual([]);
  });

  it("that was lost before all was checked goes without a trace", async () => {
    mkdirSync(join(dataDir, ".restore"));
    writeFileSync(join(dataDir, ".restore", "weftline.db"), "half");
    await booted(dataDir, (app) => expect.poll(() => onDisk(app)).toHaveLength(2));
    expect(existsSync(join(dataDir, ".restore"))).toBe(false);
  });
});

async function deadProcess(): Promise<number> {
  const running = follow(process.execPath, ["-e", ""], { cwd: root });
  await running.ended;
  return running.child.pid ?? 0;
}
