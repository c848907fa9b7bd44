import { copyFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseService, localId, streamService } from "#weftline";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { chat as plugin } from "../../../src/plugins/chat/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";
import { ada, bob, chatPlatform, type ChatPlatform } from "./fixture.ts";
import { echo } from "./play.ts";

const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "weftline-fork-"));
  folders.push(folder);
  return folder;
};

let chat: ChatPlatform;
let dataDir: string;
beforeAll(async () => void (chat = await chatPlatform({ turn: echo }, (dataDir = newFolder()))));
afterAll(async () => {
  await chat.app.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

type Booted = Pick<ChatPlatform, "app">;
const database = (of: Booted = chat) => of.app.platform.use(databaseService);
const count = async (table: string, of: Booted = chat): Promise<number> =>
  (await database(of).read.get<{ n: number }>(`select count(*) as n from ${table}`))?.n ?? 0;

/** A thread of so many messages, and the last of them. */
async function longThread(length: number): Promise<{ readonly id: string; readonly at: string }> {
  const thread = await chat.open();
  const row = await database().read.get<{ num: number }>("select num from runs_stream where id = ?", localId("Thread", thread.id, []));
  const streams = chat.app.platform.use(streamService);
  await database().write(ada, async (tx) => {
    for (let n = 0; n < length; n++) {
      const text = `message ${n}${n % 50 === 0 ? " long".repeat(30_000) : ""}`;
      const parts = [{ type: "text" as const, text }];
      await streams.addMessage(tx, row?.num ?? 0, { role: "USER", parts, threadId: localId("Thread", thread.id, []) });
    }
  });
  const page = await chat.messages(thread.id, "(last: 1)");
  return { id: thread.id, at: page?.edges[0]?.node.id ?? "" };
}

const textsOf = (id: string) =>
  database().read.all("select parts from runs_message where thread_id = ? order by start_seq", localId("Thread", id, []));

describe("the fork of a long thread", () => {
  it("lets others write in between, and is seen only when all of it is there", async () => {
    const thread = await longThread(300);
    const order: string[] = [];
    const forking = chat.fork(thread.id, thread.at, { key: "f" }).then((made) => {
      order.push("fork");
      return made;
    });
    const again = chat.fork(thread.id, thread.at, { key: "f" });
    for (const name of ["first", "second"]) {
      await chat.create({ title: name }, bob);
      order.push(name);
      expect(
        (await chat.app.graphql<{ threads: { nodes: object[] } }>("{ threads { nodes { id } } }", {}, ada)).threads.nodes,
      ).toHaveLength(1);
    }
    const { thread: fork } = await forking;
    expect(order).toEqual(["first", "second", "fork"]);
    expect(await textsOf(fork?.id ?? "")).toEqual(await textsOf(thread.id));
    // The same request again is the same fork, also where both were made at once.
    expect((await again).thread?.id).toBe(fork?.id);
    expect((await chat.fork(thread.id, thread.at, { key: "f" })).thread?.id).toBe(fork?.id);
    expect([await count("chat_thread"), await count("runs_message"), await count("chat_fork")]).toEqual([4, 600, 0]);
  });

  it("leaves nothing where its thread is deleted meanwhile", async () => {
    const thread = await longThread(300);
    const [threads, messages] = [await count("chat_thread"), await count("runs_message")];
    const forking = chat.fork(thread.id, thread.at);
    await expect.poll(() => count("chat_fork"), { interval: 1 }).toBe(1);
    await chat.remove(thread.id);
    expect(await forking).toMatchObject({ __typename: "NotFoundError" });
    expect([await count("chat_thread"), await count("runs_message"), await count("chat_fork")]).toEqual([threads - 1, messages - 300, 0]);
  });

  it("leaves nothing that anybody sees where the process is lost, and the next one deletes the rest", async () => {
    const thread = await longThread(300);
    const [threads, messages] = [await count("chat_thread"), await count("runs_message")];
    const forking = chat.fork(thread.id, thread.at);
    await expect.poll(() => count("runs_message"), { interval: 1 }).toBeGreaterThan(messages);
    // What `kill -9` would leave at this moment; no other line of code runs meanwhile.
    const image = newFolder();
    for (const name of readdirSync(dataDir))
      if (/^weftline\.(db|db-wal|stamp)$/.test(name)) copyFileSync(join(dataDir, name), join(image, name));
    expect(await count("chat_fork")).toBe(1);
    await forking;
    await using app = await testPlatform({ dataDir: image, plugins: [models(), simulated(), capabilities(), agents(), plugin()] });
    const next = { app };
    expect(await count("chat_thread", next)).toBe(threads);
    await expect.poll(() => count("chat_fork", next)).toBe(0);
    expect(await count("runs_message", next)).toBe(messages);
    expect(await count("runs_event", next)).toBeLessThanOrEqual(await count("runs_event"));
  });
});
