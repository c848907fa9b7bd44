import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  RunTarget,
  WeftlineError,
  definePlugin,
  extendInput,
  isTerminal,
  nodeType,
  runTargets,
  type OwnProgram,
  type ProgramContext,
} from "../../src/core/index.ts";
import { contribution } from "../../src/core/kernel/refs.ts";
import { faultInjections } from "../../src/core/runs/failpoint.ts";
import { collect, testPlatform, type TestPlatform } from "../../src/testing/index.ts";
import { seen, type SeenRun } from "../plugins/capabilities/play.ts";

class Chore extends RunTarget {}

const chore = (name: string): Chore => Object.assign(new Chore(), { id: name, name });
const programs = new Map<string, OwnProgram>();

const chores = definePlugin({
  id: "chore",
  schema: (builder) => {
    nodeType(builder, Chore, {
      name: "Chore",
      description: "A chore.",
      interfaces: [RunTarget],
      ownership: { rule: "INSTALLED" },
      load: async (names) => names.map(chore),
      fields: () => ({}),
    });
    extendInput(builder, "RunTargetInput", (t) => ({ chore: t.string({ description: "A chore by its name." }) }));
  },
  // One place: whoever waits must not hold it.
  contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { concurrency: 1 } })],
  setup: ({ contribute }) => {
    contribute(runTargets, "Chore", {
      typeName: "Chore",
      startable: { inputField: "chore", find: async (_, name) => ({ id: String(name), name: String(name) }) },
      program: async ({ targetId }) => programs.get(targetId) ?? { capabilities: [], run: () => "done" },
      load: async (_, name) => chore(name),
    });
    return {};
  },
});

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({ plugins: [chores()] });
});
afterAll(() => app.close());

async function start(name: string, program: OwnProgram["run"], more: Partial<OwnProgram> = {}, input: object = {}): Promise<string> {
  programs.set(name, { capabilities: [], run: program, ...more });
  const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
    { input: { target: { chore: name }, ...input } },
  );
  return startRun.run.id;
}

interface Followed {
  readonly seq: number;
  readonly type: string;
  readonly runId: string;
  readonly runStatus?: string;
}

/** All events of a run and those below it, until its end. */
async function follow(
  id: string,
  isEnd: (event: Followed) => boolean = ({ runId, runStatus = "" }) => runId === id && ends.includes(runStatus),
) {
  const query = "subscription ($id: ID!) { runEvents(run: $id, after: 0) { seq type runId ... on RunStatusEvent { runStatus } } }";
  const events = await collect(app.subscribe<{ runEvents: Followed }>(query, { id }), { until: ({ runEvents }) => isEnd(runEvents) });
  return events.map(({ runEvents }) => runEvents);
}

const ends = ["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"];

async function finished(id: string): Promise<SeenRun> {
  await follow(id);
  return seen(app, id);
}

async function cancel(run: string): Promise<void> {
  await app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { ... on CancelRunPayload { run { id } } } }", { run });
}

/** Runs another chore below a run, once: what a turn before began answers in the next. */
async function below(ctx: ProgramContext, target: string, more: { readonly timeoutMs?: number } = {}): Promise<unknown> {
  const before = (await ctx.state.steps()).find(({ key }) => key === target);
  if (!before) {
    const found = await ctx.state.findTarget("chore", target, {});
    const child = { id: newId(), ...found, input: { from: ctx.runId }, ...more };
    await ctx.say({ kind: "step.started", step: target, name: target, stepKind: "NODE", nodeKey: target, child });
    throw new WeftlineError("RUN_SUSPENDED");
  }
  const id = before.childRunId ?? "";
  const child = (await ctx.state.children([id])).get(id);
  if (!child || !isTerminal(child.status)) throw new WeftlineError("RUN_SUSPENDED");
  if (before.status === "RUNNING")
    await ctx.say({
      kind: "step.finished",
      step: target,
      status: child.status === "SUCCEEDED" ? "SUCCEEDED" : "FAILED",
      output: child.output,
    });
  return child.output ?? child.status;
}

const tree = `query ($id: ID!) { node(id: $id) { ... on Run {
  status output children(first: 5) { nodes { status trigger targetName parent { id } root { id } } }
  steps(kind: [NODE]) { nodes { key nodeKey status childRun { targetName output } } } } } }`;

describe("a run below another", () => {
  it("writes to its root's stream, is seen as the child of its step, and its end has the run above go on", async () => {
    programs.set("grandchild", { capabilities: [], run: ({ input }) => ({ deep: input }) });
    programs.set("child", { capabilities: [], run: (ctx) => below(ctx, "grandchild") });
    const id = await start("root", (ctx) => below(ctx, "child"));
    const events = await follow(id);
    expect(events.at(-1)).toMatchObject({ type: "run.finished", runId: id });
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const { node } = await app.graphql<{ node: Record<string, unknown> }>(tree, { id });
    expect(node).toMatchObject({
      status: "SUCCEEDED",
      output: { deep: { from: expect.any(String) as unknown } },
      children: { nodes: [{ status: "SUCCEEDED", trigger: "PARENT", targetName: "child", parent: { id }, root: { id } }] },
      steps: { nodes: [{ key: "child", nodeKey: "child", status: "SUCCEEDED", childRun: { targetName: "child" } }] },
    });
  });

  it("is cancelled with the run above, which ends after it", async () => {
    const stopped: string[] = [];
    const endless: OwnProgram["run"] = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          stopped.push("child");
          reject(signal.reason as Error);
        });
      });
    programs.set("endless", { capabilities: [], run: endless });
    const id = await start("cancelled", (ctx) => below(ctx, "endless"));
    await follow(id, ({ type, runId }) => type === "run.started" && runId !== id);
    await cancel(id);
    const events = await follow(id);
    const cancels = events.filter(({ type }) => type === "run.cancelled");
    expect(cancels.at(-1)).toMatchObject({ runId: id });
    expect(cancels).toHaveLength(2);
    expect(stopped).toEqual(["child"]);
  });

  it("ends no later than the run above may last, and by its own time", async () => {
    const forever: OwnProgram["run"] = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
    programs.set("slow", { capabilities: [], run: forever });
    const id = await start("impatient", (ctx) => below(ctx, "slow", { timeoutMs: 30 }));
    expect(await finished(id)).toMatchObject({ status: "SUCCEEDED", output: "EXPIRED" });
  });

  it("that its run leaves open is cancelled before that run ends", async () => {
    const id = await start("careless", async (ctx) => {
      const child = { id: newId(), ...(await ctx.state.findTarget("chore", "endless", {})) };
      await ctx.say({ kind: "step.started", step: "left", name: "left", stepKind: "NODE", nodeKey: "left", child });
      await ctx.flush();
      throw new WeftlineError("TOOL_FAILED", { tool: "any", message: "broken" });
    });
    const events = await follow(id);
    expect(events.filter(({ type }) => /^run\.(cancelled|failed)$/.test(type)).map(({ type }) => type)).toEqual([
      "run.cancelled",
      "run.failed",
    ]);
  });
});

describe("a chain of runs", () => {
  it("is at most eight long: the run that starts a ninth fails with what stands above it, and nothing of that is written", async () => {
    programs.set("deeper", { capabilities: [], run: (ctx) => below(ctx, "deeper") });
    const id = await start("top", (ctx) => below(ctx, "deeper"));
    expect(await finished(id)).toMatchObject({ status: "SUCCEEDED", output: "FAILED" });
    const chain = await app.platform.database.read.all<{ status: string; failure: string | null }>(
      "select status, failure from runs_run where target_id = 'deeper' order by start_seq",
    );
    expect(chain.map(({ status }) => status)).toEqual([...Array.from({ length: 6 }, () => "SUCCEEDED"), "FAILED"]);
    expect(JSON.parse(chain.at(-1)?.failure ?? "{}")).toMatchObject({
      code: "RUN_TOO_DEEP",
      message: expect.stringContaining("top → deeper → deeper") as unknown,
    });
  });
});

describe("a run that waits for a time", () => {
  it("holds no place, and goes on when its step is due", async () => {
    const turns: number[] = [];
    const id = await start("sleeper", async ({ state, say }) => {
      turns.push(Date.now());
      const [before] = await state.steps();
      if (!before) {
        await say({ kind: "step.started", step: "nap", name: "nap", stepKind: "NODE", nodeKey: "nap", due: { inMs: 60 } });
        throw new WeftlineError("RUN_SUSPENDED");
      }
      if (!(await state.due()).ids.includes(before.id)) throw new WeftlineError("RUN_SUSPENDED");
      await say({ kind: "step.finished", step: "nap", status: "SUCCEEDED" });
      return "awake";
    });
    const other = await start("meanwhile", () => "quick");
    expect(await finished(other)).toMatchObject({ output: "quick" });
    expect(await finished(id)).toMatchObject({ output: "awake" });
    const [first = 0, second = 0] = turns;
    expect(second - first).toBeGreaterThanOrEqual(55);
    expect(second - first).toBeLessThan(1_000);
  });
});

describe("a program that ends itself", () => {
  it("is told of the cancel and may say more before it ends", async () => {
    const id = await start(
      "tidy",
      async ({ ending, say }) => {
        await new Promise((resolve) => ending.addEventListener("abort", resolve));
        await say({ kind: "step.started", step: "undo", name: "undo", stepKind: "NODE", nodeKey: "undo" });
        await say({ kind: "step.finished", step: "undo", status: "SUCCEEDED" });
        ending.throwIfAborted();
      },
      { endsItself: true },
    );
    await follow(id, ({ type }) => type === "run.started");
    await cancel(id);
    const events = await follow(id);
    expect(events.map(({ type }) => type)).toEqual([
      "run.queued",
      "run.started",
      "run.cancelling",
      "step.started",
      "step.finished",
      "run.cancelled",
    ]);
  });
});
