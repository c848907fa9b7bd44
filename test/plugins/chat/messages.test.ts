import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ada, chatPlatform, eventsUntil, type ChatPlatform } from "./fixture.ts";
import { echo, held, say, tool } from "./play.ts";
import type { EventData } from "./shapes.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform({ turn: echo, tools: [tool()] })));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

const texts = async (id: string, args = ""): Promise<string[]> =>
  (await chat.messages(id, args))?.edges.map(({ node }) => `${node.role} ${node.text}`) ?? [];
const finished = ({ type }: EventData): boolean => type === "run.finished";

const runIn = (input: Record<string, unknown>) => chat.startRun({ target: { agent: { name: "Weaver" } }, ...input });

describe("sendMessage", () => {
  it("answers at once and streams the answer to those who follow", async () => {
    const thread = await chat.open();
    const { turn, letGo } = held(["Good", " day"]);
    chat.play.turn = turn;
    const events = eventsUntil(chat.follow(thread.id, 0), finished);
    const sent = await chat.send({ thread: thread.id, text: "Hello" });
    expect(sent).toMatchObject({
      userMessage: { role: "USER", status: "COMPLETE", text: "Hello", run: { id: sent.run?.id } },
      run: { status: "QUEUED" },
    });
    letGo();
    const seen = await events;
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1));
    expect(seen.find(({ type }) => type === "message.added")).toMatchObject({
      __typename: "MessageAddedEvent",
      role: "USER",
      message: { text: "Hello" },
    });
    expect(
      seen
        .filter(({ type }) => type === "message.delta")
        .map(({ text }) => text)
        .join(""),
    ).toBe("Good day");
    expect(seen.filter(({ runId }) => runId !== undefined).every(({ runId }) => runId === sent.run?.id)).toBe(true);
    expect(await texts(thread.id)).toEqual(["USER Hello", "ASSISTANT Good day"]);
  });

  it("shows an answer that is being written as far as it is", async () => {
    const thread = await chat.open();
    const { turn, letGo } = held(["So", " far"]);
    chat.play.turn = turn;
    const following = await chat.follow(thread.id, 0);
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
      shown.push(
        request.messages.map((message) =>
          "parts" in message ? message.parts.map((part) => ("text" in part ? part.text : "")).join("") : message.text,
        ),
      );
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
    expect((await chat.send({ thread: thread.id, text: "x".repeat(256 * 1024) })).userMessage?.text).toHaveLength(256 * 1024);
    await chat.idle(thread.id);
  });

  it("asks for an agent where the thread has none, and takes another for one message", async () => {
    const { thread } = await chat.create({ title: "Nobody here" });
    expect(await chat.send({ thread: thread?.id, text: "Hi" })).toMatchObject({
      __typename: "InvalidInputError",
      path: ["input", "agent"],
    });
    expect(await chat.send({ thread: thread?.id, text: "Hi", agent: { name: "Nobody" } })).toMatchObject({ __typename: "NotFoundError" });
    expect(await chat.send({ thread: thread?.id, text: "Hi", agent: { name: "Weaver" } })).toMatchObject({
      __typename: "SendMessagePayload",
    });
    await chat.idle(thread?.id ?? "");
  });

  it("refuses an archived thread, also for startRun", async () => {
    const thread = await chat.open();
    await chat.update({ thread: thread.id, archived: true });
    expect(await chat.send({ thread: thread.id, text: "Hi" })).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" });
    expect(await runIn({ thread: thread.id, text: "Hi" })).toMatchObject({ __typename: "ConflictError" });
    await chat.update({ thread: thread.id, archived: false });
    expect(await chat.exchange(thread.id, "Hi")).toMatchObject({ __typename: "SendMessagePayload" });
  });

  it("answers a repeated request with the first message and run, and refuses another body", async () => {
    const thread = await chat.open();
    const request = { thread: thread.id, text: "Once", idempotencyKey: "send-1" };
    const [first, second] = await Promise.all([chat.send(request), chat.send(request)]);
    await chat.idle(thread.id);
    const third = await chat.send(request);
    expect(new Set([first, second, third].map(({ userMessage, run }) => `${userMessage?.id} ${run?.id}`)).size).toBe(1);
    expect(await chat.runsOf(thread.id)).toHaveLength(1);
    expect(await chat.send({ ...request, text: "Twice" })).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT" });
  });
});

describe("startRun with a thread", () => {
  it("puts the run and what it is told into the thread", async () => {
    const thread = await chat.open();
    expect(await runIn({ thread: thread.id, text: "From outside" })).toMatchObject({ run: { thread: { id: thread.id } } });
    await chat.idle(thread.id);
    expect(await texts(thread.id)).toEqual(["USER From outside", "ASSISTANT You said: From outside"]);
  });

  it("knows malformed and missing threads", async () => {
    expect(await runIn({ thread: "nonsense", text: "Hi" })).toMatchObject({
      __typename: "InvalidInputError",
      path: ["input", "thread"],
    });
    const gone = await chat.open();
    await chat.remove(gone.id);
    expect(await runIn({ thread: gone.id, text: "Hi" })).toMatchObject({ __typename: "NotFoundError", path: ["input", "thread"] });
  });
});

describe("a busy thread", () => {
  it("queues, refuses or makes room, as it is told", async () => {
    const thread = await chat.open();
    const first = held(["First"]);
    chat.play.turn = first.turn;
    await chat.send({ thread: thread.id, text: "1" });
    await eventsUntil(chat.follow(thread.id, 0), ({ type }) => type === "message.delta");
    expect(await chat.send({ thread: thread.id, text: "refused", onBusy: "REJECT" })).toMatchObject({
      __typename: "ConflictError",
      code: "BUSY",
    });

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
    expect((await texts(thread.id)).filter((text) => text.startsWith("ASSISTANT"))).toEqual([
      "ASSISTANT First",
      "ASSISTANT You said: 2",
      "ASSISTANT You said: 3",
    ]);
  });
});
