import { describe, expect, it } from "vitest";
import { WeftlineError, globalId, type RunEventBody } from "#weftline";
import { collect, type TestPlatform } from "../../../src/testing/index.ts";
import { callOnce, countingTool, say, type Turn } from "../fixtures.ts";
import { alice, bob, bootLoom } from "./fixtures.ts";

const start = `mutation ($input: StartRunInput!) { startRun(input: $input) {
  __typename
  ... on StartRunPayload { run { id status input targetVersion trigger target { __typename name } } }
  ... on UserError { code message path }
  ... on InvalidInputError { issues { path message } }
} }`;

const follow = `subscription ($run: ID!, $after: Int) { runEvents(run: $run, after: $after) {
  __typename seq type runId
  ... on RunStatusEvent { status provenance output failure { code } usage { totalTokens cost { amount } } }
  ... on StepStartedEvent { stepId key stepName: name kind attempt }
  ... on StepFinishedEvent { stepId stepStatus: status }
  ... on MessageStartedEvent { messageId role agent attempt }
  ... on MessageDeltaEvent { messageId part channel text }
  ... on MessageFinishedEvent { messageId messageStatus: status supersededBy text message { id text status seq } }
  ... on ToolRequestedEvent { toolCallId name arguments askedIn: messageId askedAt: part }
  ... on ToolArgumentsEvent { toolCallId delta arguments }
  ... on ToolStartedEvent { toolCallId attempt }
  ... on ToolProgressEvent { toolCallId data }
  ... on ToolFinishedEvent { toolCallId callStatus: status result error }
  ... on InterruptEvent { interruptId interruptStatus: status interrupt { toolName arguments argumentsHash allowed canDecide } }
  ... on UsageRecordedEvent { callStep: stepId provider model callUsage: usage { totalTokens modelCalls cost { priceSource } } }
  ... on ProgressEvent { progress { done total } }
  ... on StatePatchedEvent { patch }
  ... on CustomEvent { customName: name customData: data }
  ... on SnapshotEvent { messages { id text status } hasEarlierMessages runs { id status } interrupts { id } }
} }`;

interface Event {
  readonly __typename: string;
  readonly seq: number;
  readonly type: string;
  readonly runId: string;
  readonly [field: string]: unknown;
}
interface Started {
  readonly startRun: { readonly __typename: string; readonly run: { readonly id: string; readonly status: string }; readonly code?: string };
}

async function startRun(app: TestPlatform, input: object = {}): Promise<string> {
  const { startRun: answer } = await app.graphql<Started>(start, { input: { target: { pattern: "twill" }, text: "Weave.", ...input } }, alice);
  expect(answer.__typename).toBe("StartRunPayload");
  return answer.run.id;
}

async function eventsOf(app: TestPlatform, run: string, after: number | null = 0): Promise<Event[]> {
  const events = await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after }, alice));
  return events.map(({ runEvents }) => runEvents);
}

describe("startRun", () => {
  it("answers at once with the queued run, and the run then goes on by itself", async () => {
    await using app = await bootLoom({ turn: () => say(["One ", "two."]) });
    const { startRun: answer } = await app.graphql<Started>(start, { input: { target: { pattern: "twill" }, input: { rows: 2 } } }, alice);
    expect(answer).toEqual({
      __typename: "StartRunPayload",
      run: {
        id: expect.any(String),
        status: "QUEUED",
        input: { rows: 2 },
        targetVersion: 3,
        trigger: "API",
        target: { __typename: "LoomPattern", name: "Pattern twill" },
      },
    });
    const events = await eventsOf(app, answer.run.id);
    const message = globalId("Message", expectLocal(answer.run.id, ".1"));
    const step = globalId("Step", expectLocal(answer.run.id, ".s1"));
    const text = "One two.";
    const deltas = events.filter(({ type }) => type === "message.delta");
    expect(deltas.map((delta) => delta["text"]).join("")).toBe(text);
    expect(deltas[0]).toEqual({ __typename: "MessageDeltaEvent", seq: 5, type: "message.delta", runId: answer.run.id, messageId: message, part: 0, channel: "TEXT", text: expect.any(String) });
    expect(events.filter(({ type }) => type !== "message.delta")).toMatchObject([
      { __typename: "RunStatusEvent", type: "run.queued", status: "QUEUED", usage: null },
      { __typename: "RunStatusEvent", type: "run.started", status: "RUNNING" },
      { __typename: "StepStartedEvent", type: "step.started", stepId: step, key: "model/1", kind: "MODEL", attempt: 1 },
      { __typename: "MessageStartedEvent", type: "message.started", messageId: message, role: "ASSISTANT", agent: "Pattern twill", attempt: 1 },
      { __typename: "MessageFinishedEvent", type: "message.finished", messageId: message, messageStatus: "COMPLETE", supersededBy: null, text, message: { id: message, text, status: "COMPLETE" } },
      { __typename: "UsageRecordedEvent", type: "usage.recorded", callStep: step, provider: "local", callUsage: { totalTokens: 4, modelCalls: 1, cost: { priceSource: "simulated" } } },
      { __typename: "StepFinishedEvent", type: "step.finished", stepId: step, stepStatus: "SUCCEEDED" },
      { __typename: "RunStatusEvent", type: "run.finished", status: "SUCCEEDED", provenance: "SIMULATED", output: text, usage: { totalTokens: 4, cost: { amount: "0" } } },
    ]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const { run } = await app.graphql<{ run: object }>("query ($id: ID!) { run(id: $id) { status text output seq lastSeq events { seq } } }", { id: answer.run.id }, alice);
    expect(run).toEqual({ status: "SUCCEEDED", text, output: text, seq: events.length, lastSeq: events.length, events: events.map(({ seq }) => ({ seq })) });
  });

  it("starts one run for one key, refuses the key for another body, and takes it from another viewer", async () => {
    await using app = await bootLoom({ turn: () => say(["Done."]) });
    const input = { target: { pattern: "twill" }, text: "Weave.", idempotencyKey: "k1" };
    const send = async (more: object = {}, viewer = alice) => (await app.graphql<Started>(start, { input: { ...input, ...more } }, viewer)).startRun;
    const first = await send();
    expect((await send()).run.id).toBe(first.run.id);
    expect(await send({ text: "Weave more." })).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT" });
    expect((await send({}, bob)).run.id).not.toBe(first.run.id);
    const { runs } = await app.graphql<{ runs: { totalCount: number } }>("{ runs { totalCount } }", {}, alice);
    expect(runs.totalCount).toBe(1);
  });

  it("names all that is wrong with the input, and starts nothing", async () => {
    await using app = await bootLoom({ turn: () => say(["Done."]) });
    const send = async (more: object) => (await app.graphql<Started>(start, { input: { target: { pattern: "twill" }, ...more } }, alice)).startRun;
    const long = "ü".repeat(128 * 1024 + 1);
    expect(await send({ text: long, input: { long }, outputSchema: [1] })).toMatchObject({
      __typename: "InvalidInputError",
      code: "INVALID_INPUT",
      path: ["input", "text"],
      issues: [
        { path: ["input", "text"], message: "At most 256 KiB." },
        { path: ["input", "input"], message: "At most 256 KiB." },
        { path: ["input", "outputSchema"], message: "A JSON Schema is an object." },
      ],
    });
    expect(await send({ limits: { maxSteps: 0, maxTokens: 0, deadline: "PT0S", maxCost: { amount: "-1", currency: "usd" } } })).toMatchObject({
      issues: ["maxSteps", "maxTokens", "deadline", "maxCost.amount", "maxCost.currency"].map((name) => ({ path: ["input", "limits", ...name.split(".")] })),
    });
    expect(await send({ limits: { maxCost: { amount: "1.50" } } })).toMatchObject({ __typename: "UnavailableError" });
    expect(await send({ idempotencyKey: "" })).toMatchObject({ __typename: "InvalidInputError", path: ["input", "idempotencyKey"] });
    for (const target of [{}, { pattern: null }, { pattern: "a", other: "b" }]) {
      await expect(app.graphql(start, { input: { target } }, alice)).rejects.toThrow(/RunTargetInput/);
    }
    const { runs } = await app.graphql<{ runs: { totalCount: number } }>("{ runs { totalCount } }", {}, alice);
    expect(runs.totalCount).toBe(0);
  });

  it("takes 256 KiB of text, and keeps to the limits", async () => {
    await using app = await bootLoom({ turn: () => say(["Done."]) });
    const run = await startRun(app, { text: "ü".repeat(128 * 1024), limits: { maxTokens: 1, maxSteps: 3, deadline: "PT1H" } });
    expect((await eventsOf(app, run)).at(-1)).toMatchObject({ type: "run.failed", failure: { code: "RUN_LIMIT" } });
    expect(await app.platform.database.read.get("select limits from runs_run")).toEqual({ limits: '{"maxSteps":3,"maxTokens":1,"deadlineMs":3600000}' });
  });

  it("refuses, queues or cancels by onBusy", async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await bootLoom({ turn: (_, ctx) => until(gate.promise, ctx.signal) });
    const run = await startRun(app);
    const refused = await app.graphql<Started>(start, { input: { target: { pattern: "twill" }, onBusy: "REJECT" } }, alice);
    expect(refused.startRun).toMatchObject({ __typename: "ConflictError", code: "BUSY" });
    const other = await startRun(app, { onBusy: "INTERRUPT" });
    expect((await eventsOf(app, run)).at(-1)).toMatchObject({ type: "run.cancelled" });
    gate.resolve();
    expect((await eventsOf(app, other)).at(-1)).toMatchObject({ type: "run.finished" });
  });
});

/** Says something when the gate opens, or stops with the signal. */
async function* until(gate: Promise<void>, signal: AbortSignal): AsyncGenerator<RunEventBody> {
  yield { kind: "message.started", message: "1" };
  yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "First " };
  const aborted = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
  await Promise.race([gate, aborted]);
  yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "then." };
  yield { kind: "message.finished", message: "1", status: "COMPLETE" };
}

const expectLocal = (run: string, suffix: string): string => Buffer.from(run, "base64url").toString().replace("Run:", "") + suffix;

describe("runEvents", () => {
  it("begins with a snapshot that holds what was said so far, goes on live from there, and ends with the run", async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await bootLoom({ turn: (_, ctx) => until(gate.promise, ctx.signal) });
    const run = await startRun(app);
    await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice), { until: ({ runEvents }) => runEvents.type === "message.delta" });
    const live = await app.subscribe<{ runEvents: Event }>(follow, { run, after: null }, alice);
    const snapshot = (await live.next()).value?.runEvents as Event;
    const message = globalId("Message", expectLocal(run, ".1"));
    expect(snapshot).toEqual({
      __typename: "RunSnapshotEvent",
      type: "snapshot",
      seq: 4,
      runId: run,
      messages: [{ id: message, text: "First ", status: "STREAMING" }],
      hasEarlierMessages: false,
      runs: [{ id: run, status: "RUNNING" }],
      interrupts: [],
    });
    gate.resolve();
    const rest = (await collect(live)).map(({ runEvents }) => runEvents);
    expect(rest.map(({ seq, type }) => [seq, type])).toEqual([
      [5, "message.delta"],
      [6, "message.finished"],
      [7, "run.finished"],
    ]);
    expect((snapshot["messages"] as { text: string }[])[0]?.text + String(rest[0]?.["text"])).toBe(rest[1]?.["text"]);
  });

  it("gives the same events from every place, also after a restart", async () => {
    await using app = await bootLoom({ turn: () => say(["a", "b", "c"], 5) });
    const run = await startRun(app);
    const all = await eventsOf(app, run);
    await app.restart();
    for (let after = 0; after <= all.length; after++) expect(await eventsOf(app, run, after)).toEqual(all.slice(after));
  });

  it("shows an attempt that broke off, and the one that takes its place", async () => {
    let attempts = 0;
    const turn: Turn = async function* () {
      if (++attempts > 1) return yield* say(["Whole."]);
      yield { kind: "message.started", message: "1" };
      yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "Ha" };
      throw new WeftlineError("PROVIDER_UNREACHABLE", { provider: "local" });
    };
    await using app = await bootLoom({ turn });
    const run = await startRun(app);
    const events = await eventsOf(app, run);
    const [old, next] = [globalId("Message", expectLocal(run, ".1")), globalId("Message", expectLocal(run, ".2"))];
    expect(events.filter(({ type }) => /^message\.(started|finished)$/.test(type))).toMatchObject([
      { type: "message.started", messageId: old, attempt: 1 },
      { type: "message.finished", messageId: old, messageStatus: "FAILED", supersededBy: next, text: "Ha" },
      { type: "message.started", messageId: next, attempt: 2 },
      { type: "message.finished", messageId: next, messageStatus: "COMPLETE", supersededBy: null, text: "Whole." },
    ]);
  });

  it("shows steps, state, progress and what is a framework's own", async () => {
    const turn: Turn = async function* () {
      yield { kind: "progress", done: 1, total: 2 };
      yield { kind: "progress", done: 2 };
      yield { kind: "state.patched", patch: { colour: "red" } };
      yield { kind: "custom", name: "loom.shed", data: [1] };
      yield { kind: "custom", name: "loom.bare" };
      yield* say(["Done."]);
    };
    await using app = await bootLoom({ turn });
    const run = await startRun(app);
    const events = await eventsOf(app, run);
    expect(events.slice(2, 7)).toMatchObject([
      { __typename: "ProgressEvent", progress: { done: 1, total: 2 } },
      { __typename: "ProgressEvent", progress: { done: 2, total: null } },
      { __typename: "StatePatchedEvent", patch: { colour: "red" } },
      { __typename: "CustomEvent", customName: "loom.shed", customData: [1] },
      { __typename: "CustomEvent", customName: "loom.bare", customData: null },
    ]);
  });

  it("is not ended by a connection that breaks: the run goes on", async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await bootLoom({ turn: (_, ctx) => until(gate.promise, ctx.signal) });
    const run = await startRun(app);
    const live = await app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice);
    await live.next();
    await live.return?.();
    gate.resolve();
    expect((await eventsOf(app, run)).at(-1)).toMatchObject({ type: "run.finished" });
  });
});

describe("cancelRun", () => {
  const cancel = "mutation ($run: ID!, $reason: String) { cancelRun(run: $run, reason: $reason) { __typename ... on CancelRunPayload { run { status } } ... on UserError { code path } } }";

  it("ends a run at work with what it said so far, and changes a finished one no more", async () => {
    await using app = await bootLoom({ turn: (_, ctx) => until(new Promise(() => undefined), ctx.signal) });
    const run = await startRun(app);
    await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice), { until: ({ runEvents }) => runEvents.type === "message.delta" });
    expect(await app.graphql(cancel, { run, reason: "Enough." }, alice)).toEqual({ cancelRun: { __typename: "CancelRunPayload", run: { status: "CANCELLING" } } });
    const events = await eventsOf(app, run);
    expect(events.slice(-3)).toMatchObject([
      { type: "run.cancelling", status: "CANCELLING" },
      { type: "message.finished", messageStatus: "CANCELLED", text: "First " },
      { type: "run.cancelled", status: "CANCELLED" },
    ]);
    expect(await app.graphql(cancel, { run }, alice)).toEqual({ cancelRun: { __typename: "CancelRunPayload", run: { status: "CANCELLED" } } });
    expect(await eventsOf(app, run)).toEqual(events);
    expect(await app.graphql(cancel, { run, reason: "x".repeat(2_001) }, alice)).toMatchObject({ cancelRun: { code: "INVALID_INPUT", path: ["reason"] } });
  });
});

describe("retryRun", () => {
  const retry = `mutation ($input: RetryRunInput!) { retryRun(input: $input) { __typename ... on RetryRunPayload { run { id input trigger retryOf { id } } } ... on UserError { code } } }`;
  interface Retried {
    readonly retryRun: { readonly __typename: string; readonly run: { readonly id: string } };
  }

  it("starts a new run with the same input, once a key, and not while the old one is open", async () => {
    const gate = Promise.withResolvers<void>();
    await using app = await bootLoom({ turn: (_, ctx) => until(gate.promise, ctx.signal) });
    const run = await startRun(app, { input: { rows: 2 } });
    expect(await app.graphql(retry, { input: { run } }, alice)).toEqual({ retryRun: { __typename: "ConflictError", code: "CONFLICT" } });
    gate.resolve();
    await eventsOf(app, run);
    const first = await app.graphql<Retried>(retry, { input: { run, idempotencyKey: "again" } }, alice);
    expect(first).toEqual({
      retryRun: { __typename: "RetryRunPayload", run: { id: expect.any(String), input: { text: "Weave.", input: { rows: 2 } }, trigger: "RETRY", retryOf: { id: run } } },
    });
    expect(first.retryRun.run.id).not.toBe(run);
    expect(await app.graphql(retry, { input: { run, idempotencyKey: "again" } }, alice)).toEqual(first);
  });
});

describe("decideInterrupt", () => {
  const decide = `mutation ($input: DecideInterruptInput!) { decideInterrupt(input: $input) {
    __typename
    ... on DecideInterruptPayload { interrupt { status canDecide decision { kind reason payload by { self } } } run { id } }
    ... on UserError { code path }
  } }`;

  it("lets a call go on with the arguments that a person edited, once", async () => {
    const { tool, calls } = countingTool({ approval: "ALWAYS" });
    await using app = await bootLoom({ turn: callOnce("loom.weave", { rows: 2 }), tools: [tool] });
    const run = await startRun(app);
    const asked = await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice), { until: ({ runEvents }) => runEvents.type === "run.waiting" });
    const raised = asked.map(({ runEvents }) => runEvents).find(({ type }) => type === "interrupt.raised") as Event;
    const call = expectLocal(run, ".c1");
    expect(raised).toMatchObject({
      __typename: "InterruptEvent",
      interruptStatus: "PENDING",
      interrupt: { toolName: "loom.weave", arguments: { rows: 2 }, argumentsHash: expect.any(String), allowed: ["APPROVE", "EDIT", "REJECT"], canDecide: true },
    });
    const { argumentsHash } = raised["interrupt"] as { argumentsHash: string };
    const input = { interrupt: raised["interruptId"], kind: "EDIT", argumentsHash, arguments: { rows: 3 }, reason: "More." };

    const send = (more: object = {}) => app.graphql(decide, { input: { ...input, ...more } }, alice);
    expect(await send({ argumentsHash: null })).toMatchObject({ decideInterrupt: { __typename: "InvalidInputError", path: ["input", "argumentsHash"] } });
    expect(await send({ argumentsHash: "other" })).toMatchObject({ decideInterrupt: { __typename: "ConflictError", code: "DECISION_CONFLICT" } });
    expect(await send({ kind: "ANSWER" })).toMatchObject({ decideInterrupt: { __typename: "InvalidInputError", path: ["input", "kind"] } });
    const decided = {
      decideInterrupt: {
        __typename: "DecideInterruptPayload",
        interrupt: { status: "RESOLVED", canDecide: false, decision: { kind: "EDIT", reason: "More.", payload: { rows: 3 }, by: { self: true } } },
        run: { id: run },
      },
    };
    expect(await send()).toEqual(decided);
    expect(await send()).toEqual(decided);
    expect(await send({ kind: "REJECT", arguments: null })).toMatchObject({ decideInterrupt: { code: "DECISION_CONFLICT" } });

    const events = await eventsOf(app, run, raised.seq);
    expect(events.filter(({ type }) => /tool|interrupt/.test(type))).toMatchObject([
      { __typename: "InterruptEvent", interruptStatus: "RESOLVED", interrupt: { canDecide: false } },
      { __typename: "ToolArgumentsEvent", toolCallId: call, arguments: { rows: 3 }, delta: null },
      { __typename: "ToolStartedEvent", toolCallId: call, attempt: 1 },
      { __typename: "ToolFinishedEvent", toolCallId: call, callStatus: "SUCCESS", result: { woven: 1 }, error: null },
    ]);
    expect(calls.map(({ args }) => args)).toEqual([{ rows: 3 }]);
    const before = asked.map(({ runEvents }) => runEvents).filter(({ type }) => type.startsWith("tool."));
    expect(before).toMatchObject([
      { __typename: "ToolRequestedEvent", toolCallId: call, name: "loom.weave", arguments: null, askedIn: globalId("Message", expectLocal(run, ".1")), askedAt: 0 },
      { __typename: "ToolArgumentsEvent", toolCallId: call, delta: '{"rows":2}' },
      { __typename: "ToolArgumentsEvent", toolCallId: call, arguments: { rows: 2 } },
    ]);
  });
});
