import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { localId } from "#weftline";
import { ada, chatPlatform, type ChatPlatform } from "./fixture.ts";
import { say } from "./play.ts";

let chat: ChatPlatform;
let said = 0;
beforeAll(async () => void (chat = await chatPlatform({ turn: () => say([`Message ${++said}`]) })));
afterAll(() => chat.app.close());

describe("messages", () => {
  let id: string;
  const numbers = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `Message ${from + index}`);
  const page = async (args: string) => {
    const found = await chat.messages(id, args);
    if (!found) throw new Error("no page");
    return { ...found, texts: found.edges.map(({ node }) => node.text) };
  };
  beforeAll(async () => {
    const thread = await chat.open();
    id = thread.id;
    for (let turn = 1; turn <= 50; turn++) await chat.exchange(id, `Message ${++said}`);
    await chat.startRun({ target: { agent: { name: "Weaver" } }, thread: id });
    await chat.idle(id);
  });

  it("are the last 20, oldest first, without arguments", async () => {
    const last = await page("");
    expect(last.edges).toHaveLength(20);
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    expect(last.texts).toEqual(numbers(82, 101));
  });

  it("page forwards over all 101", async () => {
    const seen: string[] = [];
    let after = "";
    for (;;) {
      const next = await page(`(first: 30${after})`);
      seen.push(...next.texts);
      if (!next.pageInfo.hasNextPage) break;
      after = `, after: "${next.pageInfo.endCursor}"`;
    }
    expect(seen).toEqual(numbers(1, 101));
  });

  it("page backwards over all 101, each page oldest first", async () => {
    const pages: string[][] = [];
    let before = "";
    for (;;) {
      const next = await page(`(last: 30${before})`);
      pages.unshift(next.texts);
      if (!next.pageInfo.hasPreviousPage) break;
      before = `, before: "${next.pageInfo.startCursor}"`;
    }
    expect(pages.flat()).toEqual(numbers(1, 101));
    expect(pages.at(-1)).toHaveLength(30);
  });

  it("know how many there are and refuse strange pages", async () => {
    expect(await page("(first: 0)")).toMatchObject({ totalCount: 101, edges: [] });
    await expect(page("(first: 101)")).rejects.toThrow("0 to 100");
    await expect(page("(first: -1)")).rejects.toThrow("0 to 100");
    await expect(page("(first: 1, last: 1)")).rejects.toThrow("not both");
    await expect(page('(after: "nonsense")')).rejects.toThrow("cursor");
  });
});

describe("a list of more than 10,000", () => {
  /** Rows like one that is there, by SQL. */
  const copy = (table: string, id: string, own: Readonly<Record<string, string>>): Promise<number> =>
    chat.app.platform.database.commit(async ({ sql }) => {
      const columns = (await sql.all<{ name: string }>(`select name from pragma_table_info('${table}')`)).map(({ name }) => name);
      return sql.run(
        `insert into ${table} (${columns.join(", ")}) with recursive n (i) as (select 1 union all select i + 1 from n where i < 10000)
         select ${columns.map((name) => own[name] ?? name).join(", ")} from ${table}, n where id = ?`,
        id,
      );
    });

  it("is not counted, and one of 10,000 is", async () => {
    const count = async (): Promise<unknown> =>
      (await chat.app.graphql<{ threads: { totalCount: number | null } }>("{ threads(first: 0) { totalCount } }", {}, ada)).threads
        .totalCount;
    const { id } = await chat.open();
    const before = Number(await count());
    const local = localId("Thread", id);
    await copy("chat_thread", local, { id: "id || i", stream_num: "-i" });
    expect(before).toBeLessThan(100);
    expect(await count()).toBeNull();
    const { database } = chat.app.platform;
    await database.commit(({ sql }) => sql.run("delete from chat_thread where stream_num < 0 and stream_num >= ?", -before));
    expect(await count()).toBe(10_000);
    await chat.exchange(id, "Message");
    const [message] = await database.read.all<{ id: string }>("select id from runs_message where thread_id = ?", local);
    await copy("runs_message", message?.id ?? "", { id: "id || i", start_seq: "1000 + i" });
    expect((await chat.messages(id, "(first: 0)"))?.totalCount).toBeNull();
  });
});
