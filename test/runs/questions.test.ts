import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Question } from "#weftline";
import { agents, auth, capabilities, models, simulated } from "../../src/plugins/index.ts";
import { fakeRuntime, testPlatform } from "../../src/testing/index.ts";
import { alice, bootRuns, say, type Turn } from "./fixtures.ts";

const colour: Question = { key: "colour", kind: "INPUT", message: "Which colour?", allowed: ["ANSWER", "REJECT"] };

/** A turn that asks, all at once, and says what was answered. */
const askAll = (...questions: readonly Question[]): Turn =>
  async function* (_, ctx) {
    yield* say([JSON.stringify(await Promise.all(questions.map((question) => ctx.ask(question))))]);
  };

async function waiting(...questions: readonly Question[]) {
  const host = await bootRuns({ turn: askAll(...questions) });
  const run = await host.start();
  await host.until(run.id, "WAITING");
  return { host, run, asked: await host.interrupts() };
}

describe("a question", () => {
  it("is raised once, takes no worker while it waits, and is answered on the turn after the decision", async () => {
    const { host, run, asked } = await waiting(colour);
    await using _ = host;
    expect(asked).toMatchObject([{ kind: "INPUT", status: "PENDING", arguments_hash: null }]);
    expect(host.engine.active).toBe(0);
    await host.decide({ interruptId: asked[0]?.id ?? "", kind: "ANSWER", payload: { name: "red" } });
    const { text } = await host.until(run.id, "SUCCEEDED");
    expect(JSON.parse(text ?? "")).toMatchObject([
      { status: "RESOLVED", decision: { kind: "ANSWER", by: alice.actorId, payload: { name: "red" } } },
    ]);
    const kinds = (await host.rows(run.streamNum)).map(({ kind }) => kind).filter((kind) => /^(interrupt|run)\./.test(kind));
    expect(kinds).toEqual([
      "run.queued",
      "run.started",
      "interrupt.raised",
      "run.waiting",
      "interrupt.resolved",
      "run.resumed",
      "run.finished",
    ]);
  });

  it("that is asked beside another is raised with it; both stay raised until each is decided", async () => {
    const { host, run, asked } = await waiting(colour, { ...colour, key: "size", message: "Which size?" });
    await using _ = host;
    expect(asked).toHaveLength(2);
    await host.decide({ interruptId: asked[0]?.id ?? "", kind: "ANSWER", payload: "red" });
    await host.until(run.id, "WAITING");
    await host.decide({ interruptId: asked[1]?.id ?? "", kind: "REJECT", reason: "None fits." });
    const { text } = await host.until(run.id, "SUCCEEDED");
    expect(JSON.parse(text ?? "")).toMatchObject([
      { decision: { payload: "red" } },
      { decision: { kind: "REJECT", reason: "None fits." } },
    ]);
    expect(await host.interrupts()).toHaveLength(2);
  });

  it("is decided once, by its owner alone, and not otherwise than it allows", async () => {
    const { host, run, asked } = await waiting(colour);
    await using _ = host;
    const interruptId = asked[0]?.id ?? "";
    const answer = () => host.decide({ interruptId, kind: "ANSWER", payload: "red" });
    await expect(host.decide({ interruptId, kind: "APPROVE" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(host.decide({ interruptId, kind: "ANSWER" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    const mallory = { ...alice, actorId: "mallory", name: "Mallory" };
    await expect(host.decide({ interruptId, kind: "ANSWER", payload: "red" }, mallory)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await Promise.all([answer(), answer()]);
    await expect(host.decide({ interruptId, kind: "ANSWER", payload: "blue" })).rejects.toMatchObject({ code: "DECISION_CONFLICT" });
    await host.until(run.id, "SUCCEEDED");
  });

  it("may be decided before the run has come to wait", async () => {
    let decided = (): void => {};
    const turn: Turn = async function* (_, ctx) {
      const asking = ctx.ask(colour);
      asking.catch(() => {});
      await new Promise<void>((resolve) => (decided = resolve));
      yield* say([JSON.stringify(await asking)]);
    };
    await using host = await bootRuns({ turn });
    const run = await host.start();
    await expect.poll(() => host.interrupts()).toHaveLength(1);
    await host.decide({ interruptId: (await host.interrupts())[0]?.id ?? "", kind: "ANSWER", payload: "early" });
    decided();
    await expect.poll(() => (decided(), host.find(run.id))).toMatchObject({ status: "SUCCEEDED", text: expect.stringContaining("early") });
  });

  it("is answered as expired when nobody decides in time, and with its run's end is cancelled", async () => {
    const { host, run, asked } = await waiting({ ...colour, expiresInMs: 100 });
    await using _ = host;
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe('[{"status":"EXPIRED"}]');
    await expect(host.decide({ interruptId: asked[0]?.id ?? "", kind: "ANSWER", payload: 1 })).rejects.toMatchObject({
      code: "DECISION_CONFLICT",
    });
    const other = await waiting(colour);
    await using __ = other.host;
    await other.host.runs.cancel(other.host.platform.scope(alice), other.run.id);
    await other.host.until(other.run.id, "CANCELLED");
    expect(await other.host.interrupts()).toMatchObject([{ status: "CANCELLED" }]);
  });

  it("about something to review is decided for exactly that", async () => {
    const { host, run, asked } = await waiting({
      key: "letter",
      kind: "REVIEW",
      message: "Send this?",
      arguments: { text: "Dear Bob" },
      allowed: ["APPROVE", "EDIT"],
    });
    await using _ = host;
    const [{ id: interruptId, arguments_hash: argumentsHash }] = asked as [(typeof asked)[number]];
    await expect(host.decide({ interruptId, kind: "APPROVE" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(host.decide({ interruptId, kind: "APPROVE", argumentsHash: "x" })).rejects.toMatchObject({ code: "DECISION_CONFLICT" });
    await host.decide({ interruptId, kind: "EDIT", argumentsHash, arguments: { text: "Dear Alice" } });
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain('"payload":{"text":"Dear Alice"}');
  });

  it("still waits after its process was lost, and is not asked again", async () => {
    const { host: lost, run, asked } = await waiting(colour);
    await using _ = lost;
    const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
    cpSync(lost.dataDir, copy, { recursive: true, filter: (file) => !file.endsWith(".lock") && !file.endsWith(".pid") });
    await using host = await bootRuns({ turn: askAll(colour) }, copy);
    expect(await host.interrupts()).toMatchObject([{ id: asked[0]?.id, status: "PENDING" }]);
    await host.decide({ interruptId: asked[0]?.id ?? "", kind: "ANSWER", payload: "green" });
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain("green");
    expect(await host.interrupts()).toHaveLength(1);
  });

  it.each<[string, object]>([
    ["allows nothing", { allowed: [] }],
    ["allows what is no decision", { allowed: ["APPROVE", "toString"] }],
    ["passes for an approval", { kind: "TOOL_APPROVAL" }],
    ["has no words", { message: { toString: 1 } }],
    ["never waits", { expiresInMs: 0 }],
    ["waits for ever", { expiresInMs: Number.POSITIVE_INFINITY }],
    ["waits as SQL", { expiresInMs: "1" }],
  ])("that %s fails its run as the framework's fault", async (_, wrong) => {
    await using host = await bootRuns({ turn: askAll({ ...colour, ...wrong } as Question) });
    const run = await host.start();
    expect((await host.until(run.id, "FAILED")).failure).toMatchObject({ code: "PROTOCOL_VIOLATION", plugin: "scripted" });
    expect(await host.interrupts()).toHaveLength(0);
  });

  it("cannot be tied to a call of a tool", async () => {
    const { host, asked } = await waiting({ ...colour, c: 1, toolName: "bank.pay" } as Question);
    await using _ = host;
    expect(asked).toMatchObject([{ kind: "INPUT", tool_name: null, tool_call_id: null }]);
  });

  it("is not answered by what was decided about something else", async () => {
    let pounds = 1;
    const turn: Turn = async function* (_, ctx) {
      const question: Question = { key: "pay", kind: "REVIEW", message: "Pay?", arguments: { pounds: pounds++ }, allowed: ["APPROVE"] };
      yield* say([JSON.stringify(await ctx.ask(question))]);
    };
    await using host = await bootRuns({ turn });
    const run = await host.start();
    await host.until(run.id, "WAITING");
    const [asked] = await host.interrupts();
    await host.decide({ interruptId: asked?.id ?? "", kind: "APPROVE", argumentsHash: asked?.arguments_hash ?? "" });
    expect((await host.until(run.id, "FAILED")).failure).toMatchObject({ code: "PROTOCOL_VIOLATION", plugin: "scripted" });
  });
});

describe("an answer", () => {
  it("has to fit the question's schema", async () => {
    const responseSchema = { type: "object", properties: { rows: { type: "integer" } }, required: ["rows"] };
    const turn = askAll({ ...colour, allowed: ["ANSWER", "EDIT"], responseSchema });
    await using app = await testPlatform({ plugins: [auth(), models(), simulated(), capabilities(), agents(), fakeRuntime({ turn })] });
    await app.graphql('mutation { createAgent(input: { name: "weaver", framework: "fake" }) { __typename } }');
    await app.graphql('mutation { startRun(input: { target: { agent: { name: "weaver" } }, text: "Go." }) { __typename } }');
    const asked = async () =>
      (
        await app.graphql<{
          interrupts: { nodes: { id: string; status: string; responseSchema: unknown; run: { status: string; text: string } }[] };
        }>("{ interrupts(status: null) { nodes { id status responseSchema run { status text } } } }")
      ).interrupts.nodes[0];
    await expect.poll(asked).toMatchObject({ status: "PENDING", responseSchema });
    const decide = async (more: object) =>
      (
        await app.graphql<{ decideInterrupt: { issues?: { path: string[] }[] } }>(
          `mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) { __typename ... on InvalidInputError { issues { path } } } }`,
          { input: { interrupt: (await asked())?.id, ...more } },
        )
      ).decideInterrupt;
    expect(await decide({ kind: "ANSWER", payload: { rows: "many" } })).toMatchObject({ issues: [{ path: ["input", "payload", "rows"] }] });
    expect(await decide({ kind: "EDIT", arguments: {} })).toMatchObject({ __typename: "InvalidInputError" });
    expect(await decide({ kind: "ANSWER", payload: { rows: 3 } })).toMatchObject({ __typename: "DecideInterruptPayload" });
    await expect.poll(asked).toMatchObject({ run: { status: "SUCCEEDED", text: expect.stringContaining('"rows":3') } });
  });
});
