import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ada, chatPlatform, eventsUntil, type ChatPlatform } from "./fixture.ts";
import { calling, echo, held, say, tool } from "./play.ts";
import type { MessageData } from "./shapes.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform({ turn: echo, tools: [tool()] })));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

const messagesOf = async (id: string): Promise<MessageData[]> =>
  (await chat.messages(id, "(first: 100)"))?.edges.map(({ node }) => node) ?? [];
const texts = async (id: string): Promise<string[]> => (await messagesOf(id)).map(({ role, text }) => `${role} ${text}`);

describe("forkThread", () => {
  it("copies what was said up to a message, with new ids, and leaves the source as it is", async () => {
    const config = { historyLimit: 9, metadata: { a: 1 } };
    const thread = await chat.open({ title: "Source", config });
    for (const text of ["one", "two", "three"]) await chat.exchange(thread.id, text);
    const source = await messagesOf(thread.id);
    const { thread: fork } = await chat.fork(thread.id, source[3]?.id ?? "");
    expect(fork).toMatchObject({ title: "Source", agent: { name: "Weaver" }, archived: false, config });
    const copies = await messagesOf(fork?.id ?? "");
    expect(copies.map(({ role, text, status }) => [role, text, status])).toEqual(
      source.slice(0, 4).map(({ role, text, status }) => [role, text, status]),
    );
    expect(copies.map(({ id }) => id).filter((id) => source.some((each) => each.id === id))).toEqual([]);
    expect(copies.every(({ run }) => run === null)).toBe(true);
    expect(await messagesOf(thread.id)).toEqual(source);

    const data = await chat.app.graphql<{ thread: { forkedFrom: { id: string; thread: { id: string } } } }>(
      "query ($id: ID!) { thread(id: $id) { forkedFrom { id thread { id } } } }",
      { id: fork?.id },
      ada,
    );
    expect(data.thread.forkedFrom).toEqual({ id: source[3]?.id, thread: { id: thread.id } });
  });

  it("goes on from there: the agent is shown the copies", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "one");
    await chat.exchange(thread.id, "two");
    const [, answer] = await messagesOf(thread.id);
    const { thread: fork } = await chat.fork(thread.id, answer?.id ?? "");
    let shown: unknown[] = [];
    chat.play.turn = (request) => {
      shown = request.messages.map((message) => message.role);
      return say(["On we go."]);
    };
    await chat.exchange(fork?.id ?? "", "another two");
    expect(shown).toEqual(["USER", "ASSISTANT", "USER"]);
    expect(await texts(fork?.id ?? "")).toEqual(["USER one", "ASSISTANT You said: one", "USER another two", "ASSISTANT On we go."]);
  });

  it("turns tool calls into data and leaves out answers that were replaced", async () => {
    const thread = await chat.open();
    chat.play.turn = calling("loom.weave");
    await chat.exchange(thread.id, "Weave");
    chat.play.turn = echo;
    await chat.exchange(thread.id, "again");
    await chat.regenerate((await messagesOf(thread.id)).at(-1)?.id ?? "");
    await chat.idle(thread.id);
    const source = await messagesOf(thread.id);
    const { thread: fork } = await chat.fork(thread.id, source.at(-1)?.id ?? "");
    expect(await texts(fork?.id ?? "")).toEqual(source.map(({ role, text }) => `${role} ${text}`));
    const data = await chat.app.graphql<{ thread: { messages: { nodes: { parts: unknown[] }[] } } }>(
      "query ($id: ID!) { thread(id: $id) { messages { nodes { parts { __typename ... on DataPart { name data } } } } } }",
      { id: fork?.id },
      ada,
    );
    expect(data.thread.messages.nodes[1]?.parts).toEqual([
      {
        __typename: "DataPart",
        name: "toolCall",
        data: { name: "loom.weave", arguments: { thread: "red" }, status: "SUCCESS", result: { woven: 1 }, error: null },
      },
    ]);
  });

  it("says of an answer that was cut short what became of it", async () => {
    const thread = await chat.open();
    const { turn } = held(["Half"]);
    chat.play.turn = turn;
    const following = await chat.follow(thread.id, 0);
    const { run } = await chat.send({ thread: thread.id, text: "Hello" });
    await eventsUntil(following, ({ type }) => type === "message.delta");
    const [, open] = await messagesOf(thread.id);
    expect(await chat.fork(thread.id, open?.id ?? "")).toMatchObject({ __typename: "ConflictError", code: "BUSY", path: ["at"] });
    await chat.app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: run?.id }, ada);
    await chat.idle(thread.id);
    const { thread: fork } = await chat.fork(thread.id, open?.id ?? "");
    const data = await chat.app.graphql<{ thread: { messages: { nodes: { parts: unknown[] }[] } } }>(
      "query ($id: ID!) { thread(id: $id) { messages { nodes { parts { ... on TextPart { text } ... on DataPart { name data } } } } } }",
      { id: fork?.id },
      ada,
    );
    expect(data.thread.messages.nodes[1]?.parts).toEqual([{ text: "Half" }, { name: "status", data: { status: "CANCELLED" } }]);
  });

  it("makes one copy for a repeated request", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "one");
    const [first, second] = await messagesOf(thread.id);
    const fork = await chat.fork(thread.id, second?.id ?? "", { key: "fork-1" });
    expect((await chat.fork(thread.id, second?.id ?? "", { key: "fork-1" })).thread?.id).toBe(fork.thread?.id);
    expect(await chat.fork(thread.id, first?.id ?? "", { key: "fork-1" })).toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
  });

  it("does not lose the copy with its source", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "one");
    const { thread: fork } = await chat.fork(thread.id, (await messagesOf(thread.id))[1]?.id ?? "");
    await chat.remove(thread.id);
    expect(await texts(fork?.id ?? "")).toEqual(["USER one", "ASSISTANT You said: one"]);
    expect(await chat.app.graphql("query ($id: ID!) { thread(id: $id) { forkedFrom { id } } }", { id: fork?.id }, ada)).toEqual({
      thread: { forkedFrom: null },
    });
  });
});
