import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { contribution, definePlugin, skills, toolSources } from "../../../src/core/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { testPlatform, testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { askedBy, call, called, decide, finished, follow, retry, seen, shop, tool } from "./play.ts";

const made: unknown[] = [];
const stopped: string[] = [];
const hammer = tool("shop.hammer", {
  inputSchema: {
    type: "object",
    properties: { nail: { type: "integer", minimum: 1 } },
    required: ["nail"],
    additionalProperties: false,
  },
  outputSchema: { type: "object", properties: { hit: { type: "integer" } }, required: ["hit"] },
  execute: ({ nail }: { readonly nail: number }, { progress, idempotencyKey }) => {
    progress({ at: nail });
    made.push(idempotencyKey);
    return { hit: nail };
  },
});
const guarded = tool("shop.saw", {
  approval: "ALWAYS",
  execute: (args) => {
    made.push(args);
    return args;
  },
});
const broken = tool("shop.broken", {
  execute: () => {
    throw new Error("The blade is blunt; sharpen it.");
  },
});
const slow = tool("shop.slow", {
  timeoutMs: 60_000,
  execute: (_: unknown, { signal }) =>
    new Promise((resolve) =>
      signal.addEventListener("abort", () => {
        stopped.push("slow");
        resolve(null);
      }),
    ),
});
const late = tool("shop.late", { timeoutMs: 20, execute: () => new Promise(() => undefined) });
const lying = tool("shop.lying", { outputSchema: { type: "object" }, execute: () => "no object" });

const away = definePlugin({
  id: "away",
  contributes: [
    contribution(skills, "shop.joinery", { name: "shop.joinery", description: "Joins.", instructions: "Join.", tools: ["shop.saw"] }),
  ],
  setup: ({ contribute }) => {
    contribute(toolSources, "away", {
      list: () => [],
      onChange: () => () => undefined,
      health: () => ({ status: "DOWN", detail: "the workshop is closed." }),
    });
    return {};
  },
});

const plugins = [capabilities(), shop(hammer, guarded, broken, slow, late, lying), away()];
let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({ plugins });
});
afterAll(() => app.close());

describe("a tool that a person calls", () => {
  it("runs as a run of its own, with the events of a call, and its result is the output", async () => {
    made.length = 0;
    const id = await called(app, "shop.hammer", { nail: 3 });
    expect(await follow(app, id)).toEqual([
      "run.queued",
      "run.started",
      "tool.requested",
      "tool.arguments",
      "step.started",
      "tool.started",
      "tool.progress",
      "tool.finished",
      "step.finished",
      "run.finished",
    ]);
    expect(await seen(app, id)).toMatchObject({
      status: "SUCCEEDED",
      output: { hit: 3 },
      text: null,
      provenance: null,
      failure: null,
      target: { __typename: "Tool", name: "shop.hammer" },
      targetName: "shop.hammer",
      trigger: "API",
      input: { nail: 3 },
      steps: { nodes: [{ kind: "TOOL", name: "shop.hammer", status: "SUCCEEDED" }] },
    });
    expect(made).toEqual([expect.stringMatching(/^[\w-]+\/tool\/1$/)]);
  });

  it("is refused with every problem of the arguments, and nothing is run", async () => {
    const before = made.length;
    const answer = await call(app, "shop.hammer", { nail: "three", glue: true });
    expect(answer).toMatchObject({ __typename: "InvalidInputError", code: "INVALID_INPUT", path: ["arguments"] });
    expect(answer.issues).toEqual([
      { path: ["arguments", "glue"], message: "must NOT have additional properties" },
      { path: ["arguments", "nail"], message: "must be integer" },
    ]);
    expect(await call(app, "shop.hammer", [1])).toMatchObject({ code: "INVALID_INPUT" });
    expect(await call(app, "shop.saw", { wood: "x".repeat(300_000) })).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("256 KiB"),
    });
    expect(made).toHaveLength(before);
    const { runs } = await app.graphql<{ runs: { nodes: { status: string }[] } }>(
      "{ runs(filter: { status: [QUEUED, RUNNING] }) { nodes { status } } }",
    );
    expect(runs.nodes).toEqual([]);
  });

  it("is named in the refusal where there is none, where a skill has the name, and where its source is away", async () => {
    expect(await call(app, "shop.anvil")).toMatchObject({
      __typename: "NotFoundError",
      path: ["name"],
      message: 'There is no tool "shop.anvil".',
    });
    expect(await call(app, "shop.joinery")).toMatchObject({
      __typename: "NotFoundError",
      message: '"shop.joinery" is a skill; only tools can be called.',
    });
    expect(await call(app, "away.lathe")).toMatchObject({
      __typename: "UnavailableError",
      message: expect.stringContaining("the workshop is closed."),
    });
  });

  it("is called once a key, and another body under the same key is refused", async () => {
    made.length = 0;
    const first = await call(app, "shop.hammer", { nail: 1 }, "monday");
    const again = await call(app, "shop.hammer", { nail: 1 }, "monday");
    expect(again.run?.id).toBe(first.run?.id);
    expect(await call(app, "shop.hammer", { nail: 2 }, "monday")).toMatchObject({
      __typename: "ConflictError",
      code: "IDEMPOTENCY_CONFLICT",
    });
    await finished(app, first.run?.id ?? "");
    expect(made).toHaveLength(1);
  });

  it("fails its run with its own words, its timeout or its broken promise", async () => {
    expect(await finished(app, await called(app, "shop.broken"))).toMatchObject({
      status: "FAILED",
      output: null,
      failure: { code: "TOOL_FAILED", message: "The blade is blunt; sharpen it." },
      steps: { nodes: [{ status: "FAILED" }] },
    });
    expect(await finished(app, await called(app, "shop.late"))).toMatchObject({
      failure: { code: "TOOL_FAILED", message: 'The tool "shop.late" did not finish within PT0.02S.' },
    });
    expect(await finished(app, await called(app, "shop.lying"))).toMatchObject({
      failure: { code: "TOOL_FAILED", message: expect.stringContaining("its schema forbids") },
    });
  });

  it("is stopped by cancelRun, and its code hears of it", async () => {
    const id = await called(app, "shop.slow");
    await expect.poll(() => seen(app, id)).toMatchObject({ status: "RUNNING", steps: { nodes: [{ status: "RUNNING" }] } });
    await app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
    expect(await finished(app, id)).toMatchObject({ status: "CANCELLED", failure: null, steps: { nodes: [{ status: "CANCELLED" }] } });
    expect(stopped).toEqual(["slow"]);
  });

  it("is repeated by retryRun with the same arguments, as long as there is the tool", async () => {
    const first = await called(app, "shop.hammer", { nail: 7 });
    await finished(app, first);
    const again = await retry(app, first);
    expect(await finished(app, again.run?.id ?? "")).toMatchObject({
      status: "SUCCEEDED",
      trigger: "RETRY",
      output: { hit: 7 },
      retryOf: { id: first },
    });
  });

  it("belongs to who called it: others do not see the run", async () => {
    const id = await called(app, "shop.hammer", { nail: 2 });
    await finished(app, id);
    expect(await seen(app, id, testViewer("bob"))).toBeNull();
  });
});

describe("a tool that is guarded", () => {
  it("asks the person who calls it, also across a restart, and runs with the approved arguments, once", async () => {
    await using own = await testPlatform({ plugins });
    made.length = 0;
    const id = await called(own, "shop.saw", { wood: "oak" });
    const question = await askedBy(own, id);
    expect(question).toMatchObject({ kind: "TOOL_APPROVAL", toolName: "shop.saw", arguments: { wood: "oak" } });
    await own.restart();
    expect(made).toEqual([]);
    expect(await decide(own, question, { kind: "APPROVE" })).toMatchObject({ __typename: "DecideInterruptPayload" });
    expect(await finished(own, id)).toMatchObject({ status: "SUCCEEDED", output: { wood: "oak" } });
    expect(await decide(own, question, { kind: "APPROVE" })).toMatchObject({ __typename: "DecideInterruptPayload" });
    expect(await decide(own, question, { kind: "REJECT" })).toMatchObject({ __typename: "ConflictError" });
    expect(made).toEqual([{ wood: "oak" }]);
  });

  it("is denied with the reason that was given", async () => {
    const id = await called(app, "shop.saw", { wood: "elm" });
    expect(await decide(app, await askedBy(app, id), { kind: "REJECT", reason: "Elm is protected." })).toMatchObject({
      __typename: "DecideInterruptPayload",
    });
    expect(await finished(app, id)).toMatchObject({
      status: "FAILED",
      failure: { code: "TOOL_DENIED", message: "Elm is protected." },
      steps: { nodes: [] },
    });
  });

  it("runs with the arguments that the decision put in place of the asked ones", async () => {
    made.length = 0;
    const id = await called(app, "shop.saw", { wood: "elm" });
    await decide(app, await askedBy(app, id), { kind: "EDIT", arguments: { wood: "pine" } });
    expect(await finished(app, id)).toMatchObject({ status: "SUCCEEDED", output: { wood: "pine" }, input: { wood: "elm" } });
    expect(made).toEqual([{ wood: "pine" }]);
  });

  it("is decided by nobody but its owner", async () => {
    const id = await called(app, "shop.saw", { wood: "ash" });
    const question = await askedBy(app, id);
    for (const stranger of [testViewer("bob"), testViewer("root", { roles: ["admin", "audit"] })]) {
      expect(await decide(app, question, { kind: "APPROVE" }, stranger)).toMatchObject({ __typename: "NotFoundError" });
    }
    expect(await decide(app, { ...question, argumentsHash: "f".repeat(64) }, { kind: "APPROVE" })).toMatchObject({
      __typename: "ConflictError",
    });
  });
});

describe("a tool that is gone", () => {
  it("is not called again, and what was run of it stays readable", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "weftline-test-"));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    const before = await testPlatform({ plugins, dataDir });
    const first = await called(before, "shop.hammer", { nail: 1 });
    await finished(before, first);
    await before.close();
    await using after = await testPlatform({ plugins: [capabilities(), shop(guarded)], dataDir });
    expect(await seen(after, first)).toMatchObject({ status: "SUCCEEDED", target: null, targetName: "shop.hammer" });
    expect(await retry(after, first)).toMatchObject({ __typename: "NotFoundError", path: ["input", "run"] });
  });
});
