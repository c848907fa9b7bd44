import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { chatPlatform, eventsUntil, type ChatPlatform } from "./fixture.ts";
import { calling, echo, held, say, tool } from "./play.ts";

let chat: ChatPlatform;
beforeAll(async () => void (chat = await chatPlatform({ turn: echo, tools: [tool()] })));
afterEach(() => void (chat.play.turn = echo));
afterAll(() => chat.app.close());

const texts = async (id: string, args = ""): Promise<string[]> =>
  (await chat.messages(id, args))?.edges.map(({ node }) => `${node.role} ${node.text}`) ?? [];

describe("regenerateMessage", () => {
  const answersOf = async (id: string, args = "") =>
    (await chat.messages(id, args))?.edges.map(({ node }) => node).filter(({ role }) => role === "ASSISTANT") ?? [];

  it("puts a new answer in the place of the old one, as often as it is asked", async () => {
    const thread = await chat.open();
    let turns = 0;
    chat.play.turn = () => say([`Answer ${++turns}`]);
    await chat.exchange(thread.id, "Hello");
    for (let n = 2; n <= 3; n++) {
      const [answer] = await answersOf(thread.id);
      const again = await chat.regenerate(answer?.id ?? "");
      expect(again).toMatchObject({ __typename: "RegenerateMessagePayload", replacedMessage: { id: answer?.id } });
      await chat.idle(thread.id);
      expect(await texts(thread.id)).toEqual(["USER Hello", `ASSISTANT Answer ${n}`]);
    }
    expect(await texts(thread.id, "(superseded: true)")).toEqual([
      "USER Hello",
      "ASSISTANT Answer 1",
      "ASSISTANT Answer 2",
      "ASSISTANT Answer 3",
    ]);
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
    expect(refused.fix).toContain("forkThread");
    const own = (await chat.messages(thread.id))?.edges[0]?.node.id ?? "";
    expect(await chat.regenerate(own)).toMatchObject({ __typename: "InvalidInputError", path: ["message"] });

    const { turn, letGo } = held(["Slow"]);
    chat.play.turn = turn;
    const { thread: now } = await chat.update({ thread: thread.id });
    const following = await chat.follow(thread.id, now?.lastSeq);
    await chat.send({ thread: thread.id, text: "three" });
    await eventsUntil(following, ({ type }) => type === "message.delta");
    expect(await chat.regenerate((await answersOf(thread.id)).at(-1)?.id ?? "")).toMatchObject({
      __typename: "ConflictError",
      code: "BUSY",
    });
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
