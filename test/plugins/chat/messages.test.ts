import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ada, calling, chatPlatform, echo, eventsUntil, held, say, tool, type ChatPlatform, type EventData } from "./fixture.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform({ turn: echo, tools: [tool()] })));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

const texts = async (id: string, args = ""): Promise<string[]> => (await chat.messages(id, args))?.edges.map(({ node }) => `${node.role} ${node.text}`) ?? [];
const finished = ({ type }: EventData): boolean => type === "run.finished";

describe("sendMessage", () => {
  it("answers at once and streams the answer to those who follow", async () => {
    const thread = await chat.open();
    const { turn, letGo } = held(["Good", " day"]);
    chat.play.turn = turn;
    const events = eventsUntil(chat.follow(thread.id, 0), finished);
    const sent = await chat.send({ thread: thread.id, text: "Hello" });
    expect(sent).toMatchObject({ message: { role: "USER", status: "COMPLETE", text: "Hello", run: { id: sent.run?.id } }, run: { status: "QUEUED" } });
    letGo();
    const seen = await events;
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
    expect(seen.find(({ type }) => type === "message.added")).toMatchObject({ __typename: "MessageAddedEvent", role: "USER", message: { text: "Hello" } });
    expect(seen.filter(({ type }) => type === "message.delta").map(({ text }) => text).join("")).toBe("Good day");
    expect(seen.filter(({ runId }) => runId !== undefined).every(({ runId }) => runId === sent.run?.id)).toBe(true);
    expect(await texts(thread.id)).toEqual(["USER Hello", "ASSISTANT Good day"]);
  });

  it("shows an answer that is being written as far as it is", async () => {
    const thread = await chat.open();
    const { turn, letGo } = held(["So", " far"]);
    chat.play.turn = turn;
    const following = await chat.follow(thread.id);
    await chat.send({ thread: thread.id, text: "Hello" });
    await eventsUntil(following, ({ type }) => type === "message.delta");
    const open = (await chat.messages(thread.id))?.edges.at(-1)?.node;
    expect(open).toMatchObject({ status: "STREAMING", text: "So" });
    const { thread: state } = await chat.app.graphql<{ thread: { lastSeq: number; activeRun: { id: string } } }>(
      "query ($id: ID!) { thread(id: $id) { lastSeq activeRun { id } } }",
      { id: thread.id },
      ada,
    );
    expect(state.activeRun.id).toBe(open?.run?.id);
    expect(open?.seq).toBeLessThanOrEqual(state.lastSeq);
    const rest = eventsUntil(chat.follow(thread.id, open?.seq), finished);
    letGo();
    const deltas = (await rest).filter(({ type }) => type === "message.delta");
    expect(`${open?.text}${deltas.map(({ text }) => text).join("")}`).toBe("So far");
  });

  it("shows the agent what was said before, up to the thread's limit", async () => {
    const thread = await chat.open({ config: { historyLimit: 3 } });
    const shown: string[][] = [];
    chat.play.turn = (request) => {
      shown.push(request.messages.map((message) => ("parts" in message ? message.parts.map((part) => ("text" in part ? part.text : "")).join("") : message.text)));
      return say([`Answer ${shown.length}`]);
    };
    for (const text of ["one", "two", "three"]) await chat.exchange(thread.id, text);
    expect(shown).toEqual([["one"], ["one", "Answer 1", "two"], ["two", "Answer 2", "three"]]);
  });

  it("carries parts in their order", async () => {
    const thread = await chat.open();
    await chat.send({ thread: thread.id, parts: [{ text: "Look: " }, { data: { a: [1, null] } }] });
    await chat.idle(thread.id);
    expect(await texts(thread.id)).toEqual(["USER Look: ", 'ASSISTANT You said: Look: {"a":[1,null]}']);
    const data = await chat.app.graphql<{ thread: { messages: { nodes: { parts: unknown[] }[] } } }>(
      "query ($id: ID!) { thread(id: $id) { messages(first: 1) { nodes { parts { __typename ... on TextPart { text } ... on DataPart { name data } } } } } }",
      { id: thread.id },
      ada,
    );
    expect(data.thread.messages.nodes[0]?.parts).toEqual([
      { __typename: "TextPart", text: "Look: " },
      { __typename: "DataPart", name: "data", data: { a: [1, null] } },
    ]);
  });

  it.each([
    ["nothing", {}, ["input", "text"]],
    ["text and parts at once", { text: "a", parts: [{ text: "b" }] }, ["input", "text"]],
    ["an empty text", { text: "" }, ["input", "text"]],
    ["a blank text", { text: " \n\t" }, ["input", "text"]],
    ["no parts", { parts: [] }, ["input", "parts"]],
    ["a blank part", { parts: [{ text: "a" }, { text: " " }] }, ["input", "parts", "1", "text"]],
    ["a megabyte of text", { text: "x".repeat(1024 * 1024) }, ["input", "text"]],
    ["a text of more bytes than letters", { text: "é".repeat(140_000) }, ["input", "text"]],
    ["a megabyte of data", { parts: [{ text: "see" }, { data: "x".repeat(1024 * 1024) }] }, ["input", "parts"]],
    ["a limit of nothing", { text: "a", limits: { maxSteps: 0 } }, ["input", "limits", "maxSteps"]],
  ])("refuses %s and starts nothing", async (_, content, path) => {
    const thread = await chat.open();
    const refused = await chat.send({ thread: thread.id, ...content });
    expect(refused).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT", path });
    expect(refused.issues?.length).toBeGreaterThan(0);
    expect(await texts(thread.id)).toEqual([]);
    expect(await chat.runsOf(thread.id)).toEqual([]);
  });

  it("takes a message of exactly 256 KiB", async () => {
    const thread = await chat.open();
    chat.play.turn = () => say(["Long."]);
    expect((await chat.send({ thread: thread.id, text: "x".repeat(256 * 1024) })).message?.text).toHaveLength(256 * 1024);
    await chat.idle(thread.id);
  });

  it("asks for an agent where the thread has none, and takes another for one message", async () => {
    const { thread } = await chat.create({ title: "Nobody here" });
    expect(await chat.send({ thread: thread?.id, text: "Hi" })).toMatchObject({ __typename: "InvalidInputError", path: ["input", "agent"] });
    expect(await chat.send({ thread: thread?.id, text: "Hi", agent: { name: "Nobody" } })).toMatchObject({ __typename: "NotFoundError" });
    expect(await chat.send({ thread: thread?.id, text: "Hi", agent: { name: "Weaver" } })).toMatchObject({ __typename: "SendMessagePayload" });
    await chat.idle(thread?.id ?? "");
  });

  it("refuses an archived thread, also for startRun", async () => {
    const thread = await chat.open();
    await chat.update({ thread: thread.id, archived: true });
    expect(await chat.send({ thread: thread.id, text: "Hi" })).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" });
    expect(await startRun({ thread: thread.id, text: "Hi" })).toMatchObject({ __typename: "ConflictError" });
    await chat.update({ thread: thread.id, archived: false });
    expect(await chat.exchange(thread.id, "Hi")).toMatchObject({ __typename: "SendMessagePayload" });
  });

  it("answers a repeated request with the first message and run, and refuses another body", async () => {
    const thread = await chat.open();
    const request = { thread: thread.id, text: "Once", idempotencyKey: "send-1" };
    const [first, second] = await Promise.all([chat.send(request), chat.send(request)]);
    await chat.idle(thread.id);
    const third = await chat.send(request);
    expect(new Set([first, second, third].map(({ message, run }) => `${message?.id} ${run?.id}`)).size).toBe(1);
    expect(await chat.runsOf(thread.id)).toHaveLength(1);
    expect(await chat.send({ ...request, text: "Twice" })).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT" });
  });
});

async function startRun(input: Record<string, unknown>) {
  const query = `mutation ($input: StartRunInput!) { startRun(input: $input) { __typename ... on StartRunPayload { run { id thread { id } } } ... on UserError { code path } } }`;
  return (await chat.app.graphql<{ startRun: Record<string, unknown> }>(query, { input: { target: { agent: { name: "Weaver" } }, ...input } }, ada)).startRun;
}

describe("startRun with a thread", () => {
  it("puts the run and what it is told into the thread", async () => {
    const thread = await chat.open();
    expect(await startRun({ thread: thread.id, text: "From outside" })).toMatchObject({ run: { thread: { id: thread.id } } });
    await chat.idle(thread.id);
    expect(await texts(thread.id)).toEqual(["USER From outside", "ASSISTANT You said: From outside"]);
  });

  it("knows malformed and missing threads", async () => {
    expect(await startRun({ thread: "nonsense", text: "Hi" })).toMatchObject({ __typename: "InvalidInputError", path: ["input", "thread"] });
    const gone = await chat.open();
    await chat.remove(gone.id);
    expect(await startRun({ thread: gone.id, text: "Hi" })).toMatchObject({ __typename: "NotFoundError", path: ["input", "thread"] });
  });
});

describe("a busy thread", () => {
  it("queues, refuses or makes room, as it is told", async () => {
    const thread = await chat.open();
    const first = held(["First"]);
    chat.play.turn = first.turn;
    await chat.send({ thread: thread.id, text: "1" });
    await eventsUntil(chat.follow(thread.id, 0), ({ type }) => type === "message.delta");
    expect(await chat.send({ thread: thread.id, text: "refused", onBusy: "REJECT" })).toMatchObject({ __typename: "ConflictError", code: "BUSY" });

    chat.play.turn = echo;
    expect(await chat.send({ thread: thread.id, text: "2" })).toMatchObject({ run: { status: "QUEUED" } });
    await chat.send({ thread: thread.id, text: "3", onBusy: "INTERRUPT" });
    await chat.idle(thread.id);
    const runs = await chat.runsOf(thread.id);
    expect(runs.map(({ status }) => status).toReversed()).toEqual(["CANCELLED", "CANCELLED", "SUCCEEDED"]);
    expect((await texts(thread.id)).at(-1)).toBe("ASSISTANT You said: 3");
    expect(await texts(thread.id)).not.toContain("USER refused");
  });

  it("answers queued messages one after the other", async () => {
    const thread = await chat.open();
    const first = held(["First"]);
    chat.play.turn = first.turn;
    await chat.send({ thread: thread.id, text: "1" });
    await eventsUntil(chat.follow(thread.id, 0), ({ type }) => type === "message.delta");
    chat.play.turn = echo;
    await chat.send({ thread: thread.id, text: "2" });
    await chat.send({ thread: thread.id, text: "3", onBusy: "ENQUEUE" });
    expect((await chat.runsOf(thread.id)).map(({ status }) => status)).toEqual(["QUEUED", "QUEUED", "RUNNING"]);
    first.letGo();
    await chat.idle(thread.id);
    expect((await texts(thread.id)).filter((text) => text.startsWith("ASSISTANT"))).toEqual(["ASSISTANT First", "ASSISTANT You said: 2", "ASSISTANT You said: 3"]);
  });
});

describe("regenerateMessage", () => {
  const answersOf = async (id: string, args = "") => (await chat.messages(id, args))?.edges.map(({ node }) => node).filter(({ role }) => role === "ASSISTANT") ?? [];

  it("puts a new answer in the place of the old one, as often as it is asked", async () => {
    const thread = await chat.open();
    let turns = 0;
    chat.play.turn = () => say([`Answer ${++turns}`]);
    await chat.exchange(thread.id, "Hello");
    for (let n = 2; n <= 3; n++) {
      const [answer] = await answersOf(thread.id);
      const again = await chat.regenerate(answer?.id ?? "");
      expect(again).toMatchObject({ __typename: "RegenerateMessagePayload", message: { id: answer?.id } });
      await chat.idle(thread.id);
      expect(await texts(thread.id)).toEqual(["USER Hello", `ASSISTANT Answer ${n}`]);
    }
    expect(await texts(thread.id, "(superseded: true)")).toEqual(["USER Hello", "ASSISTANT Answer 1", "ASSISTANT Answer 2", "ASSISTANT Answer 3"]);
    const [oldest] = await answersOf(thread.id, "(superseded: true)");
    expect(await chat.regenerate(oldest?.id ?? "")).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" });
  });

  it("does not show the agent the answer that it replaces", async () => {
    const thread = await chat.open();
    const shown: string[][] = [];
    chat.play.turn = (request) => {
      shown.push(request.messages.map((message) => message.role));
      return say(["Hm."]);
    };
    await chat.exchange(thread.id, "Hello");
    await chat.regenerate((await answersOf(thread.id))[0]?.id ?? "");
    await chat.idle(thread.id);
    expect(shown).toEqual([["USER"], ["USER"]]);
  });

  it("replaces all messages of an answer with a tool call", async () => {
    const thread = await chat.open();
    chat.play.turn = calling("loom.weave");
    await chat.exchange(thread.id, "Weave");
    expect(await answersOf(thread.id)).toHaveLength(2);
    chat.play.turn = () => say(["Plain."]);
    await chat.regenerate((await answersOf(thread.id)).at(-1)?.id ?? "");
    await chat.idle(thread.id);
    expect((await answersOf(thread.id)).map(({ text }) => text)).toEqual(["Plain."]);
  });

  it("refuses earlier turns, the user's own messages and an answer that is being written", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "one");
    const [early] = await answersOf(thread.id);
    await chat.exchange(thread.id, "two");
    const refused = await chat.regenerate(early?.id ?? "");
    expect(refused).toMatchObject({ __typename: "ConflictError" });
    expect(refused.problem).toContain("forkThread");
    const own = (await chat.messages(thread.id))?.edges[0]?.node.id ?? "";
    expect(await chat.regenerate(own)).toMatchObject({ __typename: "InvalidInputError", path: ["message"] });

    const { turn, letGo } = held(["Slow"]);
    chat.play.turn = turn;
    const following = await chat.follow(thread.id);
    await chat.send({ thread: thread.id, text: "three" });
    await eventsUntil(following, ({ type }) => type === "message.delta");
    expect(await chat.regenerate((await answersOf(thread.id)).at(-1)?.id ?? "")).toMatchObject({ __typename: "ConflictError", code: "BUSY" });
    letGo();
    await chat.idle(thread.id);
  });

  it("starts one run for a repeated request", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "Hello");
    const answer = (await answersOf(thread.id))[0]?.id ?? "";
    const first = await chat.regenerate(answer, { key: "again-1" });
    await chat.idle(thread.id);
    expect((await chat.regenerate(answer, { key: "again-1" })).run?.id).toBe(first.run?.id);
    expect(await chat.runsOf(thread.id)).toHaveLength(2);
  });
});

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
    let n = 0;
    chat.play.turn = () => say([`Message ${++n}`]);
    for (let turn = 1; turn <= 50; turn++) await chat.exchange(id, `Message ${++n}`);
    await startRun({ thread: id });
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
