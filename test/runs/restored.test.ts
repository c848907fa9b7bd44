import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { databaseService, definePlugin, type Database, type LoggedEvent } from "#weftline";
import { agents, capabilities, chat, models, openai, simulated } from "../../src/plugins/index.ts";
import { testPlatform, type TestPlatform } from "../../src/testing/index.ts";

const folders: string[] = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "weftline-restored-"));
  folders.push(folder);
  return folder;
}

function boot(dataDir: string, more: Parameters<typeof testPlatform>[0]["plugins"] = []): Promise<TestPlatform> {
  return testPlatform({
    dataDir,
    plugins: [models(), simulated({ tokensPerSecond: 0 }), capabilities(), agents(), chat(), openai(), more],
  });
}

/** What `kill -9` would leave of a folder at this moment; no other line of code runs meanwhile. */
function crashImage(from: string, to = newFolder(), only = /^weftline\.(db|db-wal|stamp)$/): string {
  for (const name of ["weftline.db", "weftline.db-wal"]) if (only.test(name)) rmSync(join(to, name), { force: true });
  for (const name of readdirSync(from)) if (only.test(name)) copyFileSync(join(from, name), join(to, name));
  return to;
}

const database = /^weftline\.db(-wal)?$/;

async function newThread(app: TestPlatform): Promise<string> {
  const { createThread } = await app.graphql<{ createThread: { thread: { id: string } } }>(
    `mutation { createAgent(input: { name: "weaver", framework: "openai" }) { __typename }
     createThread(input: { agent: { name: "weaver" } }) { ... on CreateThreadPayload { thread { id } } } }`,
  );
  return createThread.thread.id;
}

type Shown = Pick<LoggedEvent, "seq"> & { readonly type: string };

/** Says something and reads the thread until that was answered. */
async function talk(app: TestPlatform, thread: string, after: number | null): Promise<Shown[]> {
  const shown: Shown[] = [];
  const events = await app.subscribe<{ threadEvents: Shown }>(
    "subscription ($thread: ID!, $after: Int) { threadEvents(thread: $thread, after: $after) { seq type } }",
    { thread, after },
  );
  await app.graphql('mutation ($thread: ID!) { sendMessage(input: { thread: $thread, text: "hello" }) { __typename } }', { thread });
  for await (const { threadEvents } of events) {
    shown.push(threadEvents);
    if (threadEvents.type === "run.finished") break;
  }
  return shown;
}

const raised = 2 ** 20;

it("goes on without a gap after a crash, at any moment, and after a clean close", async () => {
  const folder = newFolder();
  const app = await boot(folder);
  const thread = await newThread(app);
  let last = (await talk(app, thread, 0)).at(-1)?.seq ?? 0;
  // The first crash comes right after a commit, the second while the next process has hardly begun.
  const crashed = crashImage(folder);
  await using after = await boot(crashed);
  const crashedTwice = crashImage(crashed);
  await app.close();
  for (const next of [after, await boot(crashedTwice), await boot(folder)]) {
    const shown = await talk(next, thread, last);
    expect(shown[0]).toMatchObject({ seq: last + 1 });
    expect(shown.at(-1)?.seq).toBe(last + shown.length);
    if (next !== after) await next.close();
  }
  // A process that was lost between its two stamps leaves the folder one behind.
  last = (await talk(after, thread, null)).at(-1)?.seq ?? 0;
  const behind = crashImage(crashed);
  const stamp = JSON.parse(readFileSync(join(behind, "weftline.stamp"), "utf8")) as { count: number };
  writeFileSync(join(behind, "weftline.stamp"), JSON.stringify({ ...stamp, count: stamp.count - 1 }));
  await using again = await boot(behind);
  expect((await talk(again, thread, last))[0]).toMatchObject({ seq: last + 1 });
});

it("takes no reader of a lost history into the one that was put back", async () => {
  const folder = newFolder();
  await using app = await boot(folder);
  const thread = await newThread(app);
  const first = await talk(app, thread, 0);
  const older = crashImage(folder);
  // The stamp is updated at most every 10 ms; a backup older by less is not detected.
  await pause(20);
  const lost = await talk(app, thread, first.at(-1)?.seq ?? 0);
  const cursor = lost.at(-1)?.seq ?? 0;
  const restored = crashImage(older, crashImage(folder), database);

  const after = await boot(restored);
  // The new history grows beyond the old cursor.
  const shown = await talk(after, thread, null);
  expect(shown[0]?.seq).toBeGreaterThan(raised);
  const late = await talk(after, thread, cursor);
  expect(late[0]).toMatchObject({ type: "snapshot" });
  expect(late[0]?.seq).toBeGreaterThanOrEqual(shown.at(-1)?.seq ?? Infinity);
  expect(late.slice(1).map(({ seq }) => seq)).toEqual(late.slice(1).map((_, index) => (late[0]?.seq ?? 0) + index + 1));

  await after.close();

  // And the newer one, put back in its turn, is told from what came meanwhile.
  await using back = await boot(crashImage(folder, restored, database));
  expect((await talk(back, thread, cursor))[0]).toMatchObject({ type: "snapshot" });
});

it("counts a database that came into another's folder, or lost its folder's stamp, as put back; a new folder is none", async () => {
  const folder = newFolder();
  const app = await boot(folder);
  const thread = await newThread(app);
  const last = (await talk(app, thread, 0)).at(-1)?.seq ?? 0;
  expect(last).toBeLessThan(raised);
  await app.close();
  const unstamped = crashImage(folder, newFolder(), database);
  expect(existsSync(join(unstamped, "weftline.stamp"))).toBe(false);
  await using other = await boot(unstamped);
  expect((await talk(other, thread, last))[0]).toMatchObject({ type: "snapshot" });
});

it("takes no database for one that was put back since the disk refused a commit", async () => {
  const folder = newFolder();
  let store!: Database;
  const keeper = definePlugin({
    id: "keeper",
    version: "1.0.0",
    requires: { database: databaseService },
    setup: ({ deps }) => void (store = deps.database),
  });
  await using app = await boot(folder, [keeper()]);
  const thread = await newThread(app);
  const last = (await talk(app, thread, 0)).at(-1)?.seq ?? 0;
  await store.commit(({ sql }) =>
    sql.run("create table odd (id integer primary key, other integer references odd deferrable initially deferred)"),
  );
  // A stamp that has just gone on rests for 10 ms.
  await pause(20);
  await expect(store.commit(({ sql }) => sql.run("insert into odd values (1, 2)"))).rejects.toThrow("FOREIGN KEY");
  await store.commit(({ sql }) => sql.get("select 1"));
  await using after = await boot(crashImage(folder));
  expect((await talk(after, thread, last))[0]).toMatchObject({ seq: last + 1 });
});
