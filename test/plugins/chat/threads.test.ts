import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "../../../src/testing/index.ts";
import { ada, admin, auditor, bob, chatPlatform, eve, type ChatPlatform } from "./fixture.ts";
import type { ThreadData } from "./shapes.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform()));
afterAll(() => chat.app.close());

const list = async (args = "", viewer = ada): Promise<ThreadData[]> =>
  (await chat.app.graphql<{ threads: { nodes: ThreadData[] } }>(`{ threads${args} { nodes { id title archived } } }`, {}, viewer)).threads
    .nodes;

const read = async (id: string, viewer = ada): Promise<ThreadData | null> =>
  (await chat.app.graphql<{ thread: ThreadData | null }>("query ($id: ID!) { thread(id: $id) { id title } }", { id }, viewer)).thread;

describe("createThread", () => {
  it("gives a thread its defaults", async () => {
    const { thread } = await chat.create({});
    expect(thread).toMatchObject({ title: null, agent: null, archived: false, lastSeq: 0 });
    expect(thread?.config).toEqual({ historyLimit: 50, retention: null, simulatedAllowed: true, metadata: {} });
  });

  it("keeps what it is given", async () => {
    const config = { historyLimit: 7, retention: "P30D", simulatedAllowed: false, metadata: { colour: "red" } };
    const { thread } = await chat.create({ title: "  Trip  ", agent: { id: chat.agentId }, config });
    expect(thread).toMatchObject({ title: "Trip", agent: { name: "Weaver" }, config });
  });

  it("keeps metadata whatever its keys are", async () => {
    const metadata: unknown = JSON.parse('{"__proto__":{"x":1},"constructor":2,"a":{"__proto__":3}}');
    const { thread } = await chat.create({ config: { metadata } });
    expect(JSON.stringify(thread?.config.metadata)).toBe(JSON.stringify(metadata));
  });

  it.each([
    ["an empty title", { title: "  " }, ["input", "title"]],
    ["a title that is too long", { title: "x".repeat(201) }, ["input", "title"]],
    ["no history", { config: { historyLimit: 0 } }, ["input", "config", "historyLimit"]],
    ["too much history", { config: { historyLimit: 1_001 } }, ["input", "config", "historyLimit"]],
    ["a retention under a minute", { config: { retention: "PT59S" } }, ["input", "config", "retention"]],
    ["metadata that is no object", { config: { metadata: [1] } }, ["input", "config", "metadata"]],
    ["metadata that is too large", { config: { metadata: { text: "é".repeat(8_192) } } }, ["input", "config", "metadata"]],
    ["a malformed agent id", { agent: { id: "nonsense" } }, ["input", "agent", "id"]],
  ])("refuses %s", async (_, input, path) => {
    const refused = await chat.create(input);
    expect(refused).toMatchObject({ __typename: "InvalidInputError", path });
    expect(refused.issues?.map((issue) => issue.path)).toEqual([path]);
  });

  it("names every field that is wrong", async () => {
    const { issues } = await chat.create({ config: { historyLimit: 0, retention: "PT1S" } });
    expect(issues?.map(({ path }) => path.at(-1))).toEqual(["historyLimit", "retention"]);
  });

  it("does not find an agent that is not there", async () => {
    expect(await chat.create({ agent: { name: "Nobody" } })).toMatchObject({ __typename: "NotFoundError", code: "NOT_FOUND" });
  });

  it("answers a repeated request with the first thread, and refuses another body", async () => {
    const first = await chat.create({ title: "Once", idempotencyKey: "create-1" });
    const again = await chat.create({ title: "Once", idempotencyKey: "create-1" });
    expect(again.thread?.id).toBe(first.thread?.id);
    expect(await chat.create({ title: "Twice", idempotencyKey: "create-1" })).toMatchObject({
      __typename: "ConflictError",
      code: "IDEMPOTENCY_CONFLICT",
    });
    expect((await chat.create({ title: "Twice", idempotencyKey: "create-1" }, bob)).thread?.title).toBe("Twice");
  });
});

describe("updateThread", () => {
  it("leaves what is left out and clears what is null", async () => {
    const thread = await chat.open({ title: "Before", config: { historyLimit: 9, metadata: { a: 1 } } });
    const renamed = await chat.update({ thread: thread.id, title: "After" });
    expect(renamed.thread).toMatchObject({ title: "After", agent: { name: "Weaver" }, config: { historyLimit: 9, metadata: { a: 1 } } });
    const cleared = await chat.update({ thread: thread.id, title: null, agent: null, config: { historyLimit: null } });
    expect(cleared.thread).toMatchObject({ title: null, agent: null, config: { historyLimit: 50, metadata: { a: 1 } } });
    expect((await chat.update({ thread: thread.id, config: null })).thread?.config.metadata).toEqual({});
  });

  it("appends one event for each sort of change and none where nothing changed", async () => {
    const thread = await chat.open({ title: "Same" });
    expect((await chat.update({ thread: thread.id, title: "Same", config: { historyLimit: 50 }, archived: false })).thread?.lastSeq).toBe(
      0,
    );
    const all = await chat.update({ thread: thread.id, title: "Other", config: { historyLimit: 5 }, archived: true });
    expect(all.thread).toMatchObject({ lastSeq: 3, archived: true });
    const events = await collect(chat.follow(thread.id, 0), { until: (_, { length }) => length === 3 });
    expect(events.map(({ threadEvents }) => [threadEvents.__typename, threadEvents.change, threadEvents.thread?.title])).toEqual([
      ["ThreadChangedEvent", "UPDATED", "Other"],
      ["ThreadChangedEvent", "CONFIGURED", "Other"],
      ["ThreadChangedEvent", "ARCHIVED", "Other"],
    ]);
    expect(events[0]?.threadEvents.threadId).toBe(thread.id);
  });

  it("refuses what is wrong and changes nothing then", async () => {
    const thread = await chat.open({ title: "Kept" });
    expect(await chat.update({ thread: thread.id, title: "Lost", config: { historyLimit: 0 } })).toMatchObject({
      __typename: "InvalidInputError",
    });
    expect(await chat.update({ thread: thread.id, title: "Lost", agent: { name: "Nobody" } })).toMatchObject({
      __typename: "NotFoundError",
    });
    expect((await read(thread.id))?.title).toBe("Kept");
  });

  it("shows the change to a query of the same operation", async () => {
    const thread = await chat.open({ title: "One" });
    const data = await chat.app.graphql(
      `mutation ($id: ID!) {
        a: updateThread(input: { thread: $id, title: "Two" }) { ... on UpdateThreadPayload { thread { title } } }
        b: updateThread(input: { thread: $id, title: "Three" }) { ... on UpdateThreadPayload { thread { title } } } }`,
      { id: thread.id },
      ada,
    );
    expect(data).toEqual({ a: { thread: { title: "Two" } }, b: { thread: { title: "Three" } } });
  });
});

describe("threads", () => {
  it("are listed by their last change, newest first, and page both ways", async () => {
    const made: string[] = [];
    for (let n = 0; n < 5; n++) made.push((await chat.create({ title: `Page ${n}` }, bob)).thread?.id ?? "");
    await chat.update({ thread: made[1], title: "Page 1 again" }, bob);
    const expected = [made[1], made[4], made[3], made[2], made[0]];
    expect((await list('(search: "page")', bob)).map(({ id }) => id)).toEqual(expected);
    const page = async (args: string) =>
      (
        await chat.app.graphql<{
          threads: { nodes: { id: string }[]; pageInfo: { endCursor: string; startCursor: string; hasNextPage: boolean } };
        }>(`{ threads(search: "page", ${args}) { nodes { id } pageInfo { endCursor startCursor hasNextPage } } }`, {}, bob)
      ).threads;
    const first = await page("first: 2");
    const second = await page(`first: 2, after: "${first.pageInfo.endCursor}"`);
    const third = await page(`first: 2, after: "${second.pageInfo.endCursor}"`);
    expect([first, second, third].flatMap(({ nodes }) => nodes.map(({ id }) => id))).toEqual(expected);
    expect(third.pageInfo.hasNextPage).toBe(false);
    expect((await page(`last: 2, before: "${third.pageInfo.startCursor}"`)).nodes).toEqual(second.nodes);
  });

  it("are found by words of their title, whatever the case and whatever stands in them", async () => {
    await chat.create({ title: "Überfahrt 100%" });
    await chat.create({ title: "Überfahrt 1000" });
    expect((await list('(search: "überFAHRT 100%")')).map(({ title }) => title)).toEqual(["Überfahrt 100%"]);
    expect(await list('(search: "_")')).toEqual([]);
    expect(await list('(search: "!")')).toEqual([]);
  });

  it("leave out the archived ones unless they are asked for", async () => {
    const { thread } = await chat.create({ title: "Attic" });
    await chat.update({ thread: thread?.id, archived: true });
    expect(await list('(search: "attic")')).toEqual([]);
    expect(await list('(search: "attic", archived: true)')).toHaveLength(1);
    expect(await list('(search: "attic", archived: null)')).toHaveLength(1);
  });

  it("count only when it is asked and refuse a page that is too large", async () => {
    expect(await chat.app.graphql('{ threads(search: "attic", archived: null) { totalCount } }', {}, ada)).toEqual({
      threads: { totalCount: 1 },
    });
    await expect(list("(first: 101)")).rejects.toThrow("A page holds 0 to 100");
    await expect(list('(after: "nonsense")')).rejects.toThrow("cursor");
  });

  it("tell lists what changed", async () => {
    const changes = await chat.app.subscribe<{ changes: { kind: string; nodeId: string | null } }>(
      'subscription { changes(typeNames: ["Thread"]) { kind nodeId } }',
      {},
      ada,
    );
    const { thread } = await chat.create({ title: "Told" });
    const next = async (kind: string): Promise<boolean> => {
      for (;;) {
        const { value, done } = await changes.next();
        if (done) return false;
        if (value.changes.nodeId === thread?.id && value.changes.kind === kind) return true;
      }
    };
    expect(await next("CREATED")).toBe(true);
    await chat.update({ thread: thread?.id, title: "Told again" });
    expect(await next("UPDATED")).toBe(true);
    await chat.remove(thread?.id ?? "");
    expect(await next("DELETED")).toBe(true);
    await changes.return?.();
  });
});

describe("ownership", () => {
  it("hides a thread from everybody else, as if it did not exist", async () => {
    const thread = await chat.open({ title: "Mine" });
    await chat.exchange(thread.id, "secret");
    const message = (await chat.messages(thread.id))?.edges[0]?.node.id ?? "";
    for (const viewer of [bob, eve]) {
      const missing = { __typename: "NotFoundError", code: "NOT_FOUND" };
      expect(await read(thread.id, viewer)).toBeNull();
      expect(await chat.app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: thread.id }, viewer)).toEqual({ node: null });
      expect((await list("", viewer)).map(({ id }) => id)).not.toContain(thread.id);
      expect(await chat.update({ thread: thread.id, title: "Stolen" }, viewer)).toMatchObject({ ...missing, path: ["input", "thread"] });
      expect(await chat.clear(thread.id, viewer)).toMatchObject({ ...missing, path: ["thread"] });
      expect(await chat.remove(thread.id, viewer)).toMatchObject(missing);
      expect(await chat.fork(thread.id, message, {}, viewer)).toMatchObject(missing);
      expect(await chat.send({ thread: thread.id, text: "Hi" }, viewer)).toMatchObject(missing);
      expect(await chat.regenerate(message, {}, viewer)).toMatchObject(missing);
      expect(await chat.type(thread.id, true, viewer)).toMatchObject(missing);
    }
    expect((await read(thread.id))?.title).toBe("Mine");
  });

  it("shows a thread to an admin who may audit, and to other admins only that it exists", async () => {
    const thread = await chat.open({ title: "Audited" });
    await chat.exchange(thread.id, "secret");
    const query = `query ($id: ID!) { thread(id: $id) { title owner { name } messages { nodes { text thread { title } } } runs { nodes { thread { title } } } } }`;
    expect(await chat.app.graphql(query, { id: thread.id }, admin)).toEqual({
      thread: { title: null, owner: { name: "ada" }, messages: { nodes: [] }, runs: { nodes: [{ thread: { title: null } }] } },
    });
    const titled = { thread: { title: "Audited" } };
    expect(await chat.app.graphql(query, { id: thread.id }, auditor)).toEqual({
      thread: {
        title: "Audited",
        owner: { name: "ada" },
        messages: {
          nodes: [
            { text: "secret", ...titled },
            { text: "You said: secret", ...titled },
          ],
        },
        runs: { nodes: [titled] },
      },
    });
    for (const viewer of [admin, auditor]) {
      expect(await chat.update({ thread: thread.id, title: "Changed" }, viewer)).toMatchObject({ __typename: "NotFoundError" });
      expect(await chat.remove(thread.id, viewer)).toMatchObject({ __typename: "NotFoundError" });
      expect((await list("", viewer)).map(({ id }) => id)).not.toContain(thread.id);
      expect((await list("(scope: TENANT, first: 100)", viewer)).map(({ id }) => id)).toContain(thread.id);
    }
    const search = '(scope: TENANT, search: "audited")';
    expect([await list(search, admin), (await list(search, auditor)).length]).toEqual([[], 1]);
    await expect(list("(scope: TENANT)", bob)).rejects.toThrow(/admins/);
  });

  it("are found by their agent", async () => {
    const { agent } = await chat.app.graphql<{ agent: { id: string } }>('{ agent(ref: { name: "Weaver" }) { id } }', {}, ada);
    const { thread } = await chat.create({ title: "Of nobody" });
    const all = (await list("(first: 100)")).map(({ id }) => id);
    const woven = (await list(`(first: 100, agent: "${agent.id}")`)).map(({ id }) => id);
    expect(all).toContain(thread?.id);
    expect(woven.length).toBeGreaterThan(0);
    expect(woven).not.toContain(thread?.id);
    for (const other of ["nonsense", thread?.id]) expect(await list(`(agent: "${other}")`)).toEqual([]);
  });

  it("does not let a message of one thread stand for one of another", async () => {
    const [one, other] = [await chat.open(), await chat.open()];
    await chat.exchange(one.id, "one");
    const message = (await chat.messages(one.id))?.edges[0]?.node.id ?? "";
    expect(await chat.fork(other.id, message)).toMatchObject({ __typename: "NotFoundError", path: ["at"] });
  });

  it("calls a malformed id invalid in mutations and answers null to it in queries", async () => {
    const malformed = "!!!";
    expect(await read(malformed)).toBeNull();
    expect(await read(chat.agentId)).toBeNull();
    const invalid = { __typename: "InvalidInputError", code: "INVALID_ID" };
    for (const id of [malformed, chat.agentId]) {
      expect(await chat.update({ thread: id })).toMatchObject(invalid);
      expect(await chat.clear(id)).toMatchObject(invalid);
      expect(await chat.remove(id)).toMatchObject(invalid);
      expect(await chat.fork(id, id)).toMatchObject(invalid);
      expect(await chat.send({ thread: id, text: "Hi" })).toMatchObject(invalid);
      expect(await chat.regenerate(id)).toMatchObject(invalid);
      expect(await chat.type(id, true)).toMatchObject(invalid);
    }
  });
});
