import { describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import { collect } from "../../../src/testing/index.ts";
import { callOnce, countingTool } from "../fixtures.ts";
import { alice, bootLoom } from "./fixtures.ts";
import { eventsOf, follow, localIdOf, startRun, until, type Event } from "./verbs.ts";

describe("cancelRun", () => {
  const cancel =
    "mutation ($run: ID!, $reason: String) { cancelRun(run: $run, reason: $reason) { __typename ... on CancelRunPayload { run { status } } ... on UserError { code path } } }";

  it("ends a run at work with what it said so far, and changes a finished one no more", async () => {
    await using app = await bootLoom({ turn: (_, ctx) => until(new Promise(() => undefined), ctx.signal) });
    const run = await startRun(app);
    await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice), {
      until: ({ runEvents }) => runEvents.type === "message.delta",
    });
    expect(await app.graphql(cancel, { run, reason: "Enough." }, alice)).toEqual({
      cancelRun: { __typename: "CancelRunPayload", run: { status: "CANCELLING" } },
    });
    const events = await eventsOf(app, run);
    expect(events.slice(-3)).toMatchObject([
      { type: "run.cancelling", runStatus: "CANCELLING" },
      { type: "message.finished", messageStatus: "CANCELLED", text: "First " },
      { type: "run.cancelled", runStatus: "CANCELLED" },
    ]);
    expect(await app.graphql(cancel, { run }, alice)).toEqual({
      cancelRun: { __typename: "CancelRunPayload", run: { status: "CANCELLED" } },
    });
    expect(await eventsOf(app, run)).toEqual(events);
    expect(await app.graphql(cancel, { run, reason: "x".repeat(2_001) }, alice)).toMatchObject({
      cancelRun: { code: "INVALID_INPUT", path: ["reason"] },
    });
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
      retryRun: {
        __typename: "RetryRunPayload",
        run: { id: expect.any(String), input: { text: "Weave.", input: { rows: 2 } }, trigger: "RETRY", retryOf: { id: run } },
      },
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
    const asked = await collect(app.subscribe<{ runEvents: Event }>(follow, { run, after: 0 }, alice), {
      until: ({ runEvents }) => runEvents.type === "run.waiting",
    });
    const raised = asked.map(({ runEvents }) => runEvents).find(({ type }) => type === "interrupt.raised") as Event;
    const call = localIdOf(run, ".c1");
    expect(raised).toMatchObject({
      __typename: "InterruptEvent",
      interruptStatus: "PENDING",
      interrupt: {
        toolName: "loom.weave",
        arguments: { rows: 2 },
        argumentsHash: expect.any(String),
        allowed: ["APPROVE", "EDIT", "REJECT"],
        canDecide: true,
      },
    });
    const { argumentsHash } = raised["interrupt"] as { argumentsHash: string };
    const input = { interrupt: raised["interruptId"], kind: "EDIT", argumentsHash, arguments: { rows: 3 }, reason: "More." };

    const send = (more: object = {}) => app.graphql(decide, { input: { ...input, ...more } }, alice);
    expect(await send({ argumentsHash: null })).toMatchObject({
      decideInterrupt: { __typename: "InvalidInputError", path: ["input", "argumentsHash"] },
    });
    expect(await send({ argumentsHash: "other" })).toMatchObject({
      decideInterrupt: { __typename: "ConflictError", code: "DECISION_CONFLICT" },
    });
    expect(await send({ kind: "ANSWER" })).toMatchObject({ decideInterrupt: { __typename: "InvalidInputError", path: ["input", "kind"] } });
    const decided = {
      decideInterrupt: {
        __typename: "DecideInterruptPayload",
        interrupt: {
          status: "RESOLVED",
          canDecide: false,
          decision: { kind: "EDIT", reason: "More.", payload: { rows: 3 }, by: { self: true } },
        },
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
      { __typename: "ToolFinishedEvent", toolCallId: call, toolStatus: "SUCCESS", result: { woven: 1 }, error: null },
    ]);
    expect(calls.map(({ args }) => args)).toEqual([{ rows: 3 }]);
    const before = asked.map(({ runEvents }) => runEvents).filter(({ type }) => type.startsWith("tool."));
    expect(before).toMatchObject([
      {
        __typename: "ToolRequestedEvent",
        toolCallId: call,
        name: "loom.weave",
        arguments: null,
        calledFrom: { messageId: globalId("Message", localIdOf(run, ".1")), part: 0 },
      },
      { __typename: "ToolArgumentsEvent", toolCallId: call, delta: '{"rows":2}' },
      { __typename: "ToolArgumentsEvent", toolCallId: call, arguments: { rows: 2 } },
    ]);
  });
});
