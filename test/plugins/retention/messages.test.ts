import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setTimeout as pause } from "node:timers/promises";
import { openai } from "../../../src/plugins/index.ts";
import { ada, admin, eventsUntil, local, type ChatPlatform } from "../chat/fixture.ts";
import { calling, echo, held, tool } from "../chat/play.ts";
import { ago, apply, applied, countOf, keepOnly, kept, preview, setPolicy } from "./world.ts";

let chat: ChatPlatform;
beforeEach(async () => void (chat = await kept({ play: { turn: echo, tools: [tool()] } })));
afterEach(() => chat.app.close());

const texts = async (thread: string): Promise<unknown[]> => (await chat.messages(thread))?.edges.map(({ node }) => node.text) ?? [];

async function hold(thread: string, legalHold: boolean, viewer = admin): Promise<object> {
  const { updateThread } = await chat.app.graphql<{ updateThread: object }>(
    "mutation ($input: UpdateThreadInput!) { updateThread(input: $input) { ... on UpdateThreadPayload { thread { legalHold } } ... on UserError { code } } }",
    { input: { thread, legalHold } },
    viewer,
  );
  return updateThread;
}

describe("messages of threads", () => {
  it("go by count, turn by turn, with the runs that wrote them, their calls and their rows of the log", async () => {
    const thread = await chat.open();
    const other = await chat.open();
    chat.play.turn = calling("loom.weave");
    await chat.exchange(thread.id, "zero");
    chat.play.turn = echo;
    for (const text of ["one", "two", "three"]) await chat.exchange(thread.id, text);
    await chat.exchange(other.id, "elsewhere");
    await setPolicy(chat.app, { target: "MESSAGES", maxCount: 3 });
    expect(await preview(chat.app)).toMatchObject([{ rows: 5, oldest: expect.any(String) }]);
    const dry = await apply(chat.app, { dryRun: true });
    expect(dry.previews).toMatchObject([{ rows: 5 }]);
    const before = await texts(thread.id);
    expect(before).toHaveLength(9);
    expect(await applied(chat.app, (await apply(chat.app)).job?.id)).toEqual({ removed: { MESSAGES: 5 } });
    expect(await texts(thread.id)).toEqual(before.slice(-4));
    expect(await texts(other.id)).toEqual(["elsewhere", "You said: elsewhere"]);
    expect(await chat.runsOf(thread.id)).toHaveLength(2);
    expect(await countOf(chat.app, "runs_tool_call")).toBe(0);
    expect(await preview(chat.app)).toMatchObject([{ rows: 0, oldest: null }]);

    // A reader from before is given a snapshot, and then the same as everybody.
    const source = await chat.follow(thread.id, 1);
    const [first] = await eventsUntil(source, () => true);
    expect(first).toMatchObject({ __typename: "ThreadSnapshotEvent" });
    expect((first as unknown as { messages: { text: string }[] }).messages.map(({ text }) => text)).toEqual(before.slice(-4));
    await chat.exchange(thread.id, "four");
    expect((await texts(thread.id)).at(-1)).toBe("You said: four");
  });

  it("go by age, but nothing behind the start of a run that is open", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "old");
    const busy = await chat.open();
    await chat.exchange(busy.id, "old too");
    const { turn, letGo } = held();
    chat.play.turn = turn;
    await chat.send({ thread: busy.id, text: "at work" });
    await ago(chat.app, 3 * 86_400_000);
    expect(await keepOnly(chat.app, { target: "MESSAGES", maxAge: "P1D" })).toEqual({ removed: { MESSAGES: 4 } });
    expect(await texts(thread.id)).toEqual([]);
    expect((await texts(busy.id))[0]).toBe("at work");
    letGo();
    await chat.idle(busy.id);
    expect((await texts(busy.id)).at(-1)).toBe("Wait for it");
  });

  it("go with the summaries that stand for them", async () => {
    await using long = await kept({ more: [openai()] });
    const thread = await long.open({ config: { historyLimit: 2 } });
    for (const text of ["The secret is indigo.", "two", "three"]) await long.exchange(thread.id, text);
    const traces = `runs_message where parts like '%indigo%' union all select 1 from runs_step where output like '%indigo%'`;
    expect(await countOf(long.app, `(select 1 from ${traces})`)).toBeGreaterThan(2);
    await setPolicy(long.app, { target: "MESSAGES", maxCount: 2 });
    await applied(long.app, (await apply(long.app)).job?.id);
    expect((await long.messages(thread.id))?.edges.map(({ node }) => node.text)).toEqual(["three", "You said: three"]);
    expect(await countOf(long.app, `(select 1 from ${traces})`)).toBe(0);
  });

  it("take along what is large and stands apart, but for what a later turn names, too", async () => {
    const thread = await chat.open();
    const [gone, both] = ["gone ".repeat(20_000), "both ".repeat(20_000)];
    const give = async (input: unknown): Promise<void> => {
      await chat.app.graphql(
        "mutation ($input: StartRunInput!) { startRun(input: $input) { __typename } }",
        { input: { target: { agent: { name: "Weaver" } }, thread: thread.id, text: "Look.", input } },
        ada,
      );
      await chat.idle(thread.id);
    };
    await give({ gone, both });
    await give({ both });
    expect(await countOf(chat.app, `runs_value where value like '"gone%'`)).toBe(1);
    await keepOnly(chat.app, { target: "MESSAGES", maxCount: 1 });
    expect(await countOf(chat.app, `runs_value where value like '"gone%'`)).toBe(0);
    expect(await countOf(chat.app, `runs_value where value like '"both%'`)).toBe(1);
    const { thread: shown } = await chat.app.graphql<{ thread: { runs: { nodes: { input: object }[] } } }>(
      "query ($id: ID!) { thread(id: $id) { runs { nodes { input } } } }",
      { id: thread.id },
      ada,
    );
    expect(shown.runs.nodes.map(({ input }) => JSON.stringify(input).includes(both))).toEqual([true]);
  });

  it("go by what their thread says, without a policy and by itself", async () => {
    await chat.app.close();
    chat = await kept({ everyMs: 1_000 });
    const thread = await chat.open({ config: { retention: "PT1H" } });
    const other = await chat.open();
    for (const { id } of [thread, other]) await chat.exchange(id, "old");
    await ago(chat.app, 2 * 3_600_000);
    await chat.exchange(thread.id, "new");
    while ((await texts(thread.id)).length > 2) await pause(10);
    expect(await texts(thread.id)).toEqual(["new", "You said: new"]);
    expect(await texts(other.id)).toHaveLength(2);
    const { runs } = await chat.app.graphql<{ runs: { nodes: { targetName: string; owner: { kind: string } }[] } }>(
      "{ runs(scope: TENANT, filter: { trigger: [PLATFORM] }) { nodes { targetName owner { kind } } } }",
      {},
      admin,
    );
    expect(runs.nodes[0]).toEqual({ targetName: "retention.apply", owner: { kind: "SYSTEM" } });
  });
});

describe("a legal hold", () => {
  it("is set and lifted by admins alone, on any thread of their tenant, and seen by the owner", async () => {
    const thread = await chat.open();
    expect(await hold(thread.id, true, ada)).toEqual({ code: "FORBIDDEN" });
    expect(await hold(thread.id, true)).toEqual({ thread: { legalHold: true } });
    expect(await hold(thread.id, false, ada)).toEqual({ code: "FORBIDDEN" });
    const seen = await chat.app.graphql("query ($id: ID!) { thread(id: $id) { legalHold } }", { id: thread.id }, ada);
    expect(seen).toEqual({ thread: { legalHold: true } });
    expect(await hold(thread.id, true, { ...admin, tenantId: "elsewhere" })).toEqual({ code: "NOT_FOUND" });
    const both = await chat.app.graphql<{ updateThread: object }>(
      "mutation ($input: UpdateThreadInput!) { updateThread(input: $input) { ... on UserError { code } } }",
      { input: { thread: thread.id, title: "Renamed", legalHold: false } },
      ada,
    );
    expect(both.updateThread).toEqual({ code: "FORBIDDEN" });
    expect(
      (
        await chat.app.graphql<{ thread: { title: string | null } }>(
          "query ($id: ID!) { thread(id: $id) { title } }",
          { id: thread.id },
          ada,
        )
      ).thread.title,
    ).toBeNull();
    expect(await hold(thread.id, false)).toEqual({ thread: { legalHold: false } });
  });

  it("keeps a thread from policies and from hands, until it is lifted", async () => {
    const thread = await chat.open();
    await chat.exchange(thread.id, "one");
    await chat.exchange(thread.id, "two");
    await hold(thread.id, true);
    await ago(chat.app, 86_400_000 * 10);
    for (const target of ["MESSAGES", "RUN_DELTAS", "CHECKPOINTS", "AUDIT"]) await setPolicy(chat.app, { target, maxAge: "P1D" });
    expect(await preview(chat.app)).toMatchObject([{ rows: 0 }, { rows: 0 }, { rows: 0 }, { rows: 0 }]);
    const deltas = await countOf(chat.app, "runs_event where kind = 'message.delta'");
    expect(deltas).toBeGreaterThan(0);
    expect(await applied(chat.app, (await apply(chat.app)).job?.id)).toEqual({ removed: {} });
    expect(await countOf(chat.app, "runs_event where kind = 'message.delta'")).toBe(deltas);
    expect(await chat.clear(thread.id)).toMatchObject({ __typename: "ConflictError", code: "LEGAL_HOLD", path: ["thread"] });
    const { deleteThread } = await chat.app.graphql<{ deleteThread: object }>(
      "mutation ($id: ID!) { deleteThread(thread: $id) { ... on UserError { code } } }",
      { id: thread.id },
      ada,
    );
    expect(deleteThread).toEqual({ code: "LEGAL_HOLD" });
    expect(await texts(thread.id)).toHaveLength(4);
    await hold(thread.id, false);
    expect(await applied(chat.app, (await apply(chat.app)).job?.id)).toMatchObject({ removed: { MESSAGES: 4 } });
    expect(local("Thread", thread.id)).not.toBe("");
  });
});
