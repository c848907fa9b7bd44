import { describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import { say } from "../fixtures.ts";
import { alice, bob, bootLoom } from "./fixtures.ts";
import { eventsOf, localIdOf, start, startRun, until, type Started } from "./verbs.ts";

describe("startRun", () => {
  it("lets the target check the input first, writes nothing where it refuses, and pins the version that was checked", async () => {
    await using app = await bootLoom({ turn: () => say(["Woven."]) });
    const issue = { path: ["input", "input", "rows"], message: "A pattern has at least one row." };
    const query = `mutation ($input: StartRunInput!) { startRun(input: $input) {
      __typename ... on StartRunPayload { run { id targetVersion } } ... on InvalidInputError { code path issues { path message } } } }`;
    const ask = async (rows: number, more: object = {}): Promise<unknown> => {
      const input = { target: { pattern: "twill" }, input: { rows }, ...more };
      return (await app.graphql<{ startRun: unknown }>(query, { input }, alice)).startRun;
    };
    const refused = { __typename: "InvalidInputError", code: "INVALID_INPUT", path: issue.path, issues: [issue] };
    expect(await ask(0, { idempotencyKey: "again" })).toEqual(refused);
    expect(await app.graphql("{ runs { totalCount } }", {}, alice)).toEqual({ runs: { totalCount: 0 } });
    expect(await ask(1, { idempotencyKey: "again" })).toMatchObject({ run: { targetVersion: 3 } });
    expect(await ask(2_000)).toMatchObject({ run: { targetVersion: 2 } });
  });

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
    const message = globalId("Message", localIdOf(answer.run.id, ".1"));
    const step = globalId("Step", localIdOf(answer.run.id, ".s1"));
    const text = "One two.";
    const deltas = events.filter(({ type }) => type === "message.delta");
    expect(deltas.map((delta) => delta["text"]).join("")).toBe(text);
    expect(deltas[0]).toEqual({
      __typename: "MessageDeltaEvent",
      seq: 5,
      type: "message.delta",
      runId: answer.run.id,
      messageId: message,
      part: 0,
      channel: "TEXT",
      text: expect.any(String),
    });
    expect(events.filter(({ type }) => type !== "message.delta")).toMatchObject([
      { __typename: "RunStatusEvent", type: "run.queued", runStatus: "QUEUED", totalUsage: null },
      { __typename: "RunStatusEvent", type: "run.started", runStatus: "RUNNING" },
      { __typename: "StepStartedEvent", type: "step.started", stepId: step, key: "model/1", kind: "MODEL", attempt: 1 },
      {
        __typename: "MessageStartedEvent",
        type: "message.started",
        messageId: message,
        role: "ASSISTANT",
        agent: "Pattern twill",
        attempt: 1,
      },
      {
        __typename: "MessageFinishedEvent",
        type: "message.finished",
        messageId: message,
        messageStatus: "COMPLETE",
        supersededBy: null,
        text,
        message: { id: message, text, status: "COMPLETE" },
      },
      {
        __typename: "UsageRecordedEvent",
        type: "usage.recorded",
        modelStepId: step,
        provider: "local",
        usage: { totalTokens: 4, modelCalls: 1, cost: { priceSource: "simulated" } },
      },
      { __typename: "StepFinishedEvent", type: "step.finished", stepId: step, stepStatus: "SUCCEEDED" },
      {
        __typename: "RunStatusEvent",
        type: "run.finished",
        runStatus: "SUCCEEDED",
        provenance: "SIMULATED",
        output: text,
        totalUsage: { totalTokens: 4, cost: { amount: "0" } },
      },
    ]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const { run } = await app.graphql<{ run: object }>(
      "query ($id: ID!) { run(id: $id) { status text output seq lastSeq events { seq } } }",
      { id: answer.run.id },
      alice,
    );
    expect(run).toEqual({
      status: "SUCCEEDED",
      text,
      output: text,
      seq: events.length,
      lastSeq: events.length,
      events: events.map(({ seq }) => ({ seq })),
    });
  });

  it("starts one run for one key, refuses the key for another body, and takes it from another viewer", async () => {
    await using app = await bootLoom({ turn: () => say(["Done."]) });
    const input = { target: { pattern: "twill" }, text: "Weave.", idempotencyKey: "k1" };
    const send = async (more: object = {}, viewer = alice) =>
      (await app.graphql<Started>(start, { input: { ...input, ...more } }, viewer)).startRun;
    const first = await send();
    expect((await send()).run.id).toBe(first.run.id);
    expect(await send({ text: "Weave more." })).toMatchObject({ __typename: "ConflictError", code: "IDEMPOTENCY_CONFLICT" });
    expect((await send({}, bob)).run.id).not.toBe(first.run.id);
    const { runs } = await app.graphql<{ runs: { totalCount: number } }>("{ runs { totalCount } }", {}, alice);
    expect(runs.totalCount).toBe(1);
  });

  it("names all that is wrong with the input, and starts nothing", async () => {
    await using app = await bootLoom({ turn: () => say(["Done."]) });
    const send = async (more: object) =>
      (await app.graphql<Started>(start, { input: { target: { pattern: "twill" }, ...more } }, alice)).startRun;
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
    expect(
      await send({ limits: { maxSteps: 0, maxTokens: 0, deadline: "PT0S", maxCost: { amount: "-1", currency: "usd" } } }),
    ).toMatchObject({
      issues: ["maxSteps", "maxTokens", "deadline", "maxCost.amount", "maxCost.currency"].map((name) => ({
        path: ["input", "limits", ...name.split(".")],
      })),
    });
    for (const deadline of ["P", "PT", "P1DT", "-PT1S", "1S", ""])
      await expect(send({ limits: { deadline } }), deadline).rejects.toThrow("is not a Duration such as PT30S or P1D.");
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
    expect(await app.platform.database.read.get("select limits from runs_run")).toEqual({
      limits: '{"maxSteps":3,"maxTokens":1,"deadlineMs":3600000}',
    });
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
