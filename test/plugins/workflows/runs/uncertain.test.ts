import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WeftlineError, type ToolDefinition } from "#weftline";
import { scriptModel } from "../../../../src/testing/index.ts";
import { tool } from "../../capabilities/play.ts";
import { openLoom, type Loom, type NodeInput, type RunEventSeen } from "./loom.ts";

/** How often each was sent, and which of them hang: the first time, or always. */
const sent = new Map<string, number>();
const hangs = new Map<string, "once" | "always">();

const mail = (name: string, more: Partial<ToolDefinition> = {}): ToolDefinition =>
  tool(name, {
    idempotent: false,
    timeoutMs: 40,
    ...more,
    execute: ({ to }: { to: string }) => {
      const times = (sent.get(to) ?? 0) + 1;
      sent.set(to, times);
      const hang = hangs.get(to);
      return hang === "always" || (hang === "once" && times === 1) ? new Promise(() => undefined) : `sent to ${to}`;
    },
  });
/** Fails the first time, once the other item is under way; that one never ends the first time. */
const pair = tool("mail.pair", {
  idempotent: false,
  timeoutMs: 60_000,
  execute: async ({ to }: { to: string }) => {
    const times = (sent.get(to) ?? 0) + 1;
    sent.set(to, times);
    if (to === "pair 1" && times === 1) return new Promise(() => undefined);
    while (to === "pair 0" && !sent.has("pair 1")) await new Promise(setImmediate);
    if (to === "pair 0" && times === 1) throw new Error("refused");
    return `sent to ${to}`;
  },
});
/** Cannot say the first time what became of it. */
const odd = tool("mail.odd", {
  idempotent: false,
  execute: ({ to }: { to: string }) => {
    const times = (sent.get(to) ?? 0) + 1;
    sent.set(to, times);
    if (times === 1) throw new WeftlineError("TOOL_OUTCOME_UNKNOWN", { tool: "mail.odd", reason: "The line went dead." });
    return `sent to ${to}`;
  },
});
/** The store takes nothing the first two times. */
const kept = (name: string, idempotent: boolean): ToolDefinition =>
  tool(name, {
    idempotent,
    execute: ({ to }: { to: string }) => {
      const times = (sent.get(to) ?? 0) + 1;
      sent.set(to, times);
      if (times <= 2) throw new WeftlineError("STORE_UNAVAILABLE", { problem: "the disk is full" });
      return `sent to ${to}`;
    },
  });
const tools = [
  kept("mail.keep", true),
  kept("mail.keep-once", false),
  odd,
  pair,
  mail("mail.send"),
  mail("mail.slow", { timeoutMs: 60_000 }),
  mail("mail.same", { idempotent: true }),
];
const model = scriptModel([
  { match: "first", toolCalls: [{ name: "mail.send", arguments: { to: "by agent" } }] },
  { match: "first", reply: "I have sent it." },
  { match: "second", toolCalls: [{ name: "mail.slow", arguments: { to: "by slow agent" } }] },
  { match: "second", reply: "I have sent it, too." },
]);

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom({ tools, plugins: [model] });
  await loom.app.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", {
    input: { name: "clerk", framework: "openai", model: "script/default", capabilities: ["mail.send", "mail.slow"] },
  });
});
afterAll(() => loom.app.close());

const retry = { attempts: 3, delay: "PT0.001S" };
const send = (to: string, more: object = {}, name = "mail.send"): NodeInput => ({
  key: "t",
  kind: "tool",
  config: { tool: name, arguments: { to } },
  retry,
  ...more,
});

type Asked = NonNullable<RunEventSeen["interrupt"]>;

/** Follows a run to its end and decides what it asks, in the order in which it asks. */
async function decided(run: string, decisions: readonly object[]): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  await loom.follow(run, async ({ interrupt, interruptStatus }) => {
    if (!interrupt || interruptStatus !== "PENDING") return false;
    const decision = decisions[asked.push(interrupt) - 1];
    if (!decision) return true;
    expect(await loom.decide(interrupt, decision)).toBe("DecideInterruptPayload");
    return false;
  });
  return asked;
}

async function play(nodes: readonly NodeInput[], decisions: readonly object[]) {
  const run = await loom.start(await loom.create(nodes));
  return { asked: await decided(run, decisions), ...(await loom.look(run)) };
}

const again = { kind: "APPROVE" };
const done = { kind: "ANSWER", payload: "it was sent" };
const without = { kind: "REJECT", reason: "Let it be." };

describe("a call that was not done in time, of a tool that is not idempotent", () => {
  const ways = {
    "its own time": (to: string) => send(to),
    "the time of its node": (to: string) => send(to, { timeout: "PT0.04S" }, "mail.slow"),
  };
  it.each(Object.entries(ways))("by %s is not made again by the node's retry: a person says what became of it", async (way, nodeOf) => {
    const to = (what: string): string => {
      hangs.set(`${way} ${what}`, "once");
      return `${way} ${what}`;
    };
    const made = await play([nodeOf(to("again"))], [again]);
    expect(made).toMatchObject({ status: "SUCCEEDED", output: `sent to ${way} again` });
    expect(made.asked).toMatchObject([
      { kind: "UNCERTAIN", message: expect.stringContaining("nobody knows whether it took effect") as string },
    ]);
    expect(sent.get(`${way} again`)).toBe(2);

    expect(await play([nodeOf(to("done"))], [done])).toMatchObject({ status: "SUCCEEDED", output: "it was sent" });
    const failed = await play([nodeOf(to("without"))], [without]);
    expect(failed).toMatchObject({
      status: "FAILED",
      failure: { code: "NODE_FAILED", message: expect.stringContaining("Let it be.") as string },
    });
    expect(failed.steps.filter(({ nodeKey }) => nodeKey === "t")).toHaveLength(1);
    expect([sent.get(`${way} done`), sent.get(`${way} without`)]).toEqual([1, 1]);
  });

  it("is one whose tool cannot say what became of it, too", async () => {
    const run = await play([send("odd", {}, "mail.odd")], [done]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: "it was sent" });
    expect(run.asked[0]?.message).toMatch('The call of "mail.odd" broke off: The line went dead, so nobody knows whether it took effect.');
    const failed = await play([send("odd alone", { retry: { attempts: 1 } }, "mail.odd")], []);
    expect(failed.failure).toMatchObject({ code: "NODE_FAILED", message: expect.stringContaining("The line went dead.") as string });
    expect([sent.get("odd"), sent.get("odd alone")]).toEqual([1, 1]);
  });

  it("is asked about each time", async () => {
    hangs.set("thrice", "always");
    const run = await play([send("thrice")], [again, again, done]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: "it was sent" });
    expect([run.asked.length, sent.get("thrice")]).toEqual([3, 3]);
  });

  it("fails its node where there is no other attempt, and is made again where the tool is idempotent", async () => {
    for (const to of ["no retry", "same"]) hangs.set(to, "once");
    const failed = await play([send("no retry", { retry: { attempts: 1 } })], []);
    expect(failed).toMatchObject({ status: "FAILED", asked: [] });
    const same = await play([send("same", {}, "mail.same")], []);
    expect(same).toMatchObject({ status: "SUCCEEDED", asked: [] });
    expect([sent.get("no retry"), sent.get("same")]).toEqual([1, 2]);
  });

  it("is an item's of a map that is tried again, too, also where another item fails meanwhile", async () => {
    const node = { kind: "tool", config: { tool: "mail.pair", arguments: { to: "pair {{ item }}" } } };
    const run = await play([{ key: "m", kind: "map", config: { over: "[0, 1]", node }, retry }], [done]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: ["sent to pair 0", "it was sent"] });
    expect([run.asked.length, sent.get("pair 1")]).toEqual([1, 1]);

    hangs.set("inner", "once");
    const inner = { kind: "tool", config: { tool: "mail.send", arguments: { to: "inner" } }, retry };
    expect(await play([{ key: "m", kind: "map", config: { over: "[0]", node: inner } }], [done])).toMatchObject({
      output: ["it was sent"],
    });
    expect(sent.get("inner")).toBe(1);
  });

  it("ends with a run that is cancelled while a person is asked", async () => {
    hangs.set("cancelled", "once");
    const run = await loom.start(await loom.create([send("cancelled")]));
    await loom.follow(run, async ({ interruptStatus }) => {
      if (interruptStatus === "PENDING") await loom.cancel(run);
      return false;
    });
    expect((await loom.look(run)).status).toBe("CANCELLED");
    expect(sent.get("cancelled")).toBe(1);
  });
});

describe("a call of a run below a node", () => {
  it("that was not done in time is asked about, and the agent goes on with what the person says", async () => {
    hangs.set("by agent", "once");
    const run = await play([{ key: "a", kind: "agent", config: { agent: "clerk", text: "first" }, retry }], [done]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: "I have sent it.", asked: [{ kind: "UNCERTAIN" }] });
    expect(sent.get("by agent")).toBe(1);
  });

  it("that ran when that run was over its time keeps the node from doing it all again unasked", async () => {
    hangs.set("by slow agent", "once");
    const node = { key: "a", kind: "agent", config: { agent: "clerk", text: "second" }, retry, timeout: "PT0.5S" };
    const run = await play([node], [again]);
    expect(run.asked).toMatchObject([{ kind: "UNCERTAIN", message: expect.stringContaining('"mail.slow"') as string }]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: "I have sent it, too." });
    expect([run.children.length, sent.get("by slow agent")]).toEqual([2, 2]);
  });
});

describe("a call whose process was lost", () => {
  it("is asked about whatever its node's time and retry say", async () => {
    hangs.set("lost", "once");
    const run = await loom.start(await loom.create([send("lost", { timeout: "PT2S" }, "mail.slow")]));
    await loom.follow(run, ({ type }) => type === "tool.started");
    const dataDir = mkdtempSync(join(tmpdir(), "weftline-lost-"));
    cpSync(loom.app.dataDir, dataDir, { recursive: true, filter: (from) => !/lock|runs$/.test(from) });
    await loom.cancel(run);
    const first = loom;
    loom = await openLoom({ tools, plugins: [model], dataDir });
    try {
      await loom.app.platform.database.commit(({ sql }) => sql.run("update runs_step set due_at = 1 where due_at is not null"), "test");
      expect(await decided(run, [done])).toMatchObject([
        { kind: "UNCERTAIN", message: expect.stringContaining("The server was lost") as string },
      ]);
      expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: "it was sent" });
      expect(sent.get("lost")).toBe(1);
    } finally {
      await loom.app.close();
      loom = first;
    }
  });
});

describe("a call that the store refuses", () => {
  it("is made again until the store takes it where the tool is idempotent, and fails else", async () => {
    const once = { retry: { attempts: 1 } };
    expect(await play([send("kept", once, "mail.keep")], [])).toMatchObject({ status: "SUCCEEDED", output: "sent to kept", asked: [] });
    expect(await play([send("kept once", once, "mail.keep-once")], [])).toMatchObject({ status: "FAILED", asked: [] });
    expect([sent.get("kept"), sent.get("kept once")]).toEqual([3, 1]);
  });
});
