import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { databaseService, dataFolder, type Logger } from "#weftline";
import { UploadedFile } from "../../../src/plugins/files/entities.ts";
import { Disk } from "../../../src/plugins/files/service/disk.ts";
import { sweepDisk, sweepRows } from "../../../src/plugins/files/service/sweep.ts";
import { create, end, filesPlatform, newThread, onDisk, put, say, send, uploaded, viewers } from "./fixture.ts";

const quiet = { log: { info: () => undefined, error: () => undefined } as unknown as Logger, stuck: new Set<string>() };
const patience = { uploadMs: 3_600_000, unusedMs: 86_400_000, orphanMs: 1_000 };

it("uploads that were not finished lapse, files that no message holds go, and those that one holds stay", async () => {
  await using app = await filesPlatform();
  const database = app.platform.use(databaseService);
  const disk = new Disk(join(app.dataDir, "files"));
  const sweep = (config: Partial<typeof patience>) =>
    sweepRows({ config: { ...patience, ...config }, database, disk, pairedAt: 0, ...quiet });
  const unfinished = await create(app);
  const unused = await uploaded(app);
  const held = await uploaded(app);
  await end(app, await say(app, await newThread(app), [{ file: held.id }]));
  await new Promise((resolve) => setTimeout(resolve, 5));

  await sweep({});
  expect((await send(app, unused.url)).status).toBe(200);
  await sweep({ uploadMs: 1 });
  expect((await put(app, unfinished.uploadUrl, "hello")).status).toBe(404);
  expect((await send(app, unused.url)).status).toBe(200);
  await sweep({ unusedMs: 1 });
  expect((await send(app, unused.url)).status).toBe(404);
  expect((await send(app, held.url)).status).toBe(200);
  const node = await app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: held.id }, viewers.ada);
  expect(node).toEqual({ node: { id: held.id } });
});

it("a file whose row cannot be deleted keeps no other, and is logged once", async () => {
  await using app = await filesPlatform();
  const database = app.platform.use(databaseService);
  const logged: object[] = [];
  const log = { error: (fields: object) => void logged.push(fields) } as Logger;
  const disk = new Disk(join(app.dataDir, "files"));
  for (let n = 0; n < 3; n++) await uploaded(app);
  const { id } = (await database.read.get<{ id: string }>("select min(id) as id from files_file")) ?? { id: "" };
  await database.commit(({ sql }) =>
    sql.run(`create trigger stuck before delete on files_file when old.id = '${id}' begin select raise(abort, 'no'); end`),
  );
  const host = { database, disk, log, stuck: new Set<string>(), pairedAt: 0, config: { ...patience, unusedMs: -60_000 } };
  await sweepRows(host);
  await sweepRows(host);
  expect(await database.read.all("select id from files_file")).toEqual([{ id }]);
  expect(logged).toMatchObject([{ fileId: id }]);
});

it("never holds up other writes for more than 500 files", async () => {
  await using app = await filesPlatform();
  const database = app.platform.use(databaseService);
  const { tenantId, actorId: ownerId } = viewers.ada;
  const row = { tenantId, ownerId, name: "a", mediaType: "text/plain", size: 1, sha256: null, createdAt: 1, uploadedAt: null };
  await database.write("SYSTEM", async (tx) => {
    for (let n = 0; n < 1_001; n++) tx.em.create(UploadedFile, { ...row, id: `file-${n}` });
  });
  const left: number[] = [];
  const counting = Object.assign(Object.create(database) as typeof database, {
    em: database.em.bind(database),
    write: async (...args: Parameters<typeof database.write>) => {
      await database.write(...args);
      left.push(await database.em("SYSTEM").count(UploadedFile));
    },
  });
  await sweepRows({ config: patience, database: counting, disk: new Disk(join(app.dataDir, "files")), pairedAt: 0, ...quiet });
  expect(left).toEqual([501, 1, 0]);
});

it("bytes that a lost process left behind go, once the database has not known them for long enough, and the log names them", async () => {
  await using app = await filesPlatform();
  const kept = await uploaded(app);
  const folder = join(app.dataDir, "files");
  const id = idOf(kept);
  const orphan = `01990000-0000-7000-8000-0000000000${id.slice(-2)}`;
  await writeFile(join(folder, id.slice(-2), orphan), "nobody's");
  await mkdir(join(folder, "incoming"), { recursive: true });
  await writeFile(join(folder, "incoming", "half"), "hal");
  const logged: object[] = [];
  const log = { info: (fields: object) => void logged.push(fields) } as Logger;
  const sweep = (orphanMs: number, pairedAt: number) =>
    sweepDisk({
      config: { ...patience, orphanMs },
      database: app.platform.use(databaseService),
      disk: new Disk(folder),
      log,
      pairedAt,
      stuck: new Set(),
    });

  await sweep(3_600_000, 0);
  await sweep(1, Date.now() + 1_000);
  expect((await onDisk(app)).toSorted()).toEqual([id, orphan, "half"].toSorted());
  expect(logged).toEqual([]);
  await expect.poll(() => sweep(1, 0).then(() => onDisk(app))).not.toContain(orphan);
  expect((await onDisk(app)).toSorted()).toEqual([id, "half"].toSorted());
  expect(logged).toEqual([{ files: [orphan] }]);
  await app.restart();
  await expect.poll(() => onDisk(app)).toEqual([id]);
  expect(await (await send(app, kept.url)).text()).toBe("hello");
});

it("no byte goes because another database, or an older copy, was in the folder for a while, however often it was started", async () => {
  await using app = await filesPlatform();
  const { dataDir } = app;
  const early = await uploaded(app, "early");
  const older = copyOf(dataDir);
  const later = await uploaded(app, "later");
  await end(app, await say(app, await newThread(app), [{ file: early.id }, { file: later.id }]));
  await app.restart();
  const right = copyOf(dataDir);
  await app.platform.close();
  for (const wrong of [{}, older]) {
    putBack(dataDir, wrong);
    for (let start = 0; start < 2; start++) {
      await using other = await filesPlatform({ uploadMs: 1_000, unusedMs: 1_000 }, dataDir);
      const host = { database: other.platform.use(databaseService), disk: new Disk(join(dataDir, "files")) };
      const { pairedAt } = other.platform.use(dataFolder);
      await sweepRows({ ...host, config: { uploadMs: 1, unusedMs: -60_000, orphanMs: 60_000 }, pairedAt, ...quiet });
      await sweepDisk({ ...host, config: { ...patience, orphanMs: 60_000 }, pairedAt, ...quiet });
      expect(await host.database.em("SYSTEM").count(UploadedFile)).toBe(0);
    }
  }
  putBack(dataDir, right);
  await app.restart();
  for (const file of [early, later]) expect((await send(app, file.url)).status).toBe(200);
});

const databaseFiles = ["weftline.db", "weftline.db-wal"];

function copyOf(folder: string): Readonly<Record<string, Buffer>> {
  const there = databaseFiles.filter((name) => existsSync(join(folder, name)));
  return Object.fromEntries(there.map((name) => [name, readFileSync(join(folder, name))]));
}

function putBack(folder: string, copy: Readonly<Record<string, Buffer>>): void {
  for (const name of databaseFiles) rmSync(join(folder, name), { force: true });
  for (const [name, bytes] of Object.entries(copy)) writeFileSync(join(folder, name), bytes);
}

const idOf = ({ url }: { readonly url: string }): string => url.split("/").at(-1) ?? "";
