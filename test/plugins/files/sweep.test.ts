import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { databaseService } from "#weftline";
import { UploadedFile } from "../../../src/plugins/files/entities.ts";
import { Disk } from "../../../src/plugins/files/service/disk.ts";
import { sweepDisk, sweepRows } from "../../../src/plugins/files/service/sweep.ts";
import { create, end, filesPlatform, newThread, onDisk, put, say, send, uploaded, viewers } from "./fixture.ts";

const patience = { uploadMs: 3_600_000, unusedMs: 86_400_000 };

it("uploads that were not finished lapse, files that no message holds go, and those that one holds stay", async () => {
  await using app = await filesPlatform();
  const database = app.platform.use(databaseService);
  const disk = new Disk(join(app.dataDir, "files"));
  const sweep = (config: Partial<typeof patience>) =>
    sweepRows({ config: { ...patience, ...config }, database, disk, log: undefined as never });
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
  await sweepRows({ config: patience, database: counting, disk: new Disk(join(app.dataDir, "files")), log: undefined as never });
  expect(left).toEqual([501, 1, 0]);
});

it("bytes that a lost process left behind go", async () => {
  await using app = await filesPlatform();
  const kept = await uploaded(app);
  const folder = join(app.dataDir, "files");
  const id = kept.url.split("/").at(-1) ?? "";
  const orphan = `01990000-0000-7000-8000-0000000000${id.slice(-2)}`;
  await writeFile(join(folder, id.slice(-2), orphan), "nobody's");
  await mkdir(join(folder, "incoming"), { recursive: true });
  await writeFile(join(folder, "incoming", "half"), "hal");
  const disk = new Disk(folder);
  await sweepDisk({ database: app.platform.use(databaseService), disk });
  expect((await onDisk(app)).toSorted()).toEqual([id, "half"].toSorted());
  await app.restart();
  while ((await onDisk(app)).includes("half")) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(await onDisk(app)).toEqual([id]);
  expect(await (await send(app, kept.url)).text()).toBe("hello");
});
