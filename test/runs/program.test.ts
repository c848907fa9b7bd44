import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  RunTarget,
  contribution,
  definePlugin,
  extendInput,
  nodeType,
  runTargets,
  tools,
  type OwnProgram,
  type ProgramContext,
} from "../../src/core/index.ts";
import { capabilities } from "../../src/plugins/capabilities/index.ts";
import { testPlatform, type TestPlatform } from "../../src/testing/index.ts";
import { askedBy, decide, finished, follow, seen, tool } from "../plugins/capabilities/play.ts";

/** The type key of what runs here. */
class Chore extends RunTarget {}

const chore = (name: string): Chore => Object.assign(new Chore(), { id: name, name });
const programs = new Map<string, OwnProgram["run"]>();
const woven: unknown[] = [];
let zombie: ProgramContext | undefined;

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
  contributes: ["NEVER", "ALWAYS"].map((approval) => {
    const name = approval === "NEVER" ? "loom.weave" : "loom.cut";
    const made = tool(name, { approval: approval as "NEVER" | "ALWAYS", idempotent: false, execute: (args) => woven.push([name, args]) });
    return contribution(tools, name, made);
  }),
  setup: ({ contribute }) => {
    contribute(runTargets, "Chore", {
      typeName: "Chore",
      startable: { inputField: "chore", find: async (_, name) => ({ id: String(name), name: String(name) }) },
      program: async ({ targetId }) => ({
        capabilities: ["loom.weave", "loom.cut"],
        run: programs.get(targetId) ?? (() => Promise.reject(new Error("no such chore"))),
      }),
      load: async (_, name) => chore(name),
    });
    return {};
  },
});

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({ plugins: [capabilities(), chores()] });
});
afterAll(() => app.close());

let count = 0;

/** Starts a run of a program that a test writes. */
async function start(run: OwnProgram["run"], input: object = {}): Promise<string> {
  const name = `chore ${++count}`;
  programs.set(name, run);
  const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
    "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } ... on UserError { message } } }",
    { input: { target: { chore: name }, ...input } },
  );
  return startRun.run.id;
}

describe("a target whose program runs by itself", () => {
  it("gets what the run was given, says what happens, and its answer is the output; no model is in it", async () => {
    const id = await start(
      async ({ input, text, say }) => {
        await say({ kind: "step.started", step: "count", name: "counting", stepKind: "TASK" });
        await say({ kind: "progress", done: 1, total: 2 });
        await say({ kind: "step.finished", step: "count", status: "SUCCEEDED" });
        return { input, text };
      },
      { input: { sheep: 2 }, text: "Count." },
    );
    expect(await follow(app, id)).toEqual(["run.queued", "run.started", "step.started", "progress", "step.finished", "run.finished"]);
    expect(await seen(app, id)).toMatchObject({
      status: "SUCCEEDED",
      output: { input: { sheep: 2 }, text: "Count." },
      text: null,
      provenance: null,
      target: { __typename: "Chore" },
      steps: { nodes: [{ kind: "TASK", name: "counting" }] },
    });
  });

  it("may answer nothing, and text as text", async () => {
    expect(await finished(app, await start(async () => undefined))).toMatchObject({ status: "SUCCEEDED", output: null, text: null });
    expect(await finished(app, await start(async () => "Done."))).toMatchObject({ output: "Done.", text: "Done." });
  });

  it("is begun anew after a decision, in another process too, and what it called before is not called again", async () => {
    woven.length = 0;
    const turns: unknown[] = [];
    const id = await start(async ({ callTools }) => {
      const [first] = await callTools([{ callId: "a", name: "loom.weave", arguments: { n: 1 } }]);
      turns.push(first?.status);
      const [second] = await callTools([{ callId: "b", name: "loom.cut", arguments: { n: 2 } }]);
      return second?.status;
    });
    const question = await askedBy(app, id);
    await app.restart();
    await decide(app, question, { kind: "APPROVE" });
    expect(await finished(app, id)).toMatchObject({ status: "SUCCEEDED", output: "SUCCESS" });
    expect(turns).toEqual(["SUCCESS", "SUCCESS"]);
    expect(woven).toEqual([
      ["loom.weave", { n: 1 }],
      ["loom.cut", { n: 2 }],
    ]);
  });

  it("may end its turn where it is when the platform closes, and goes on in the next process", async () => {
    woven.length = 0;
    let turns = 0;
    const begun = Promise.withResolvers<void>();
    const id = await start(async ({ callTools, drain }) => {
      await callTools([{ callId: "once", name: "loom.weave", arguments: { n: 1 } }]);
      if (++turns > 1) return "whole";
      begun.resolve();
      await new Promise((resolve) => drain.addEventListener("abort", resolve, { once: true }));
      return drain.throwIfAborted();
    });
    await begun.promise;
    await app.restart();
    expect(await finished(app, id)).toMatchObject({ status: "SUCCEEDED", output: "whole" });
    expect([turns, woven]).toEqual([2, [["loom.weave", { n: 1 }]]]);
  });

  it("asks people, and keeps state, as a framework may", async () => {
    const id = await start(async ({ ask, checkpoints }) => {
      await checkpoints.put({ id: "c1", format: "chore/1", versions: { n: "1" }, values: { n: 1 }, data: null });
      const answer = await ask({ key: "name", kind: "INPUT", message: "Your name?", allowed: ["ANSWER"] });
      const kept = await checkpoints.get({});
      return { name: answer.status === "RESOLVED" ? answer.decision.payload : null, kept: kept?.values };
    });
    await decide(app, await askedBy(app, id), { kind: "ANSWER", payload: "Ada" });
    expect(await finished(app, id)).toMatchObject({ status: "SUCCEEDED", output: { name: "Ada", kept: { n: 1 } } });
  });

  it("makes two calls of one id once, also at once, and both have its outcome", async () => {
    woven.length = 0;
    const call = { callId: "a", name: "loom.weave", arguments: { n: 1 } };
    const id = await start(async ({ callTools }) => [...(await callTools([call, call])), ...(await callTools([call]))]);
    const outcome = { status: "SUCCESS", result: 1 };
    expect(await finished(app, id)).toMatchObject({ output: [outcome, outcome, outcome] });
    expect(woven).toHaveLength(1);
  });

  it("cannot have one tool approved and run another under the same id", async () => {
    woven.length = 0;
    let turns = 0;
    const call = { callId: "a", name: "loom.cut", arguments: { n: 1 } };
    const id = await start(async ({ callTools }) => {
      const other = ++turns === 1 ? [] : await callTools([{ ...call, name: "loom.weave" }]);
      return [...other, ...(await callTools([call]))];
    });
    await decide(app, await askedBy(app, id), { kind: "APPROVE" });
    expect(await finished(app, id)).toMatchObject({
      output: [{ status: "ERROR", error: 'The call "a" is one of "loom.cut", not of "loom.weave".' }, { status: "SUCCESS" }],
    });
    expect(woven).toEqual([["loom.cut", { n: 1 }]]);
  });

  it("can call what it names and nothing else", async () => {
    const id = await start(async ({ callTools }) => callTools([{ callId: "a", name: "time.now", arguments: {} }]));
    expect(await finished(app, id)).toMatchObject({ output: [{ status: "ERROR", error: 'There is no tool "time.now" for this agent.' }] });
  });

  it("fails its run with what it throws, masked where nobody wrote it for people", async () => {
    expect(await finished(app, await start(() => Promise.reject(new Error("password 1234"))))).toMatchObject({
      status: "FAILED",
      failure: { code: "INTERNAL", message: "Something went wrong here." },
    });
    expect(
      await finished(
        app,
        await start(() => {
          throw new Error("at once");
        }),
      ),
    ).toMatchObject({ failure: { code: "INTERNAL" } });
  });

  it("is named where it breaks the protocol, or leaves something open", async () => {
    const broken = await start(async ({ say }) => void say({ kind: "step.finished", step: "none", status: "SUCCEEDED" }));
    expect(await finished(app, broken)).toMatchObject({ failure: { code: "PROTOCOL_VIOLATION", plugin: "chore" } });
    const open = await start(async ({ say }) => void say({ kind: "step.started", step: "s", name: "s", stepKind: "TASK" }));
    expect(await finished(app, open)).toMatchObject({
      failure: { code: "PROTOCOL_VIOLATION", plugin: "chore" },
      steps: { nodes: [{ status: "FAILED" }] },
    });
  });

  it("cannot pass over a call that waits for a person", async () => {
    woven.length = 0;
    const id = await start(async ({ callTools }) => {
      await callTools([{ callId: "b", name: "loom.cut", arguments: {} }]).catch(() => undefined);
      return "as if";
    });
    expect(await finished(app, id)).toMatchObject({ status: "FAILED", output: null, failure: { code: "PROTOCOL_VIOLATION" } });
    expect(woven).toEqual([]);
  });

  it("is left behind when it does not heed a cancel, and is not heard after its end", async () => {
    const gate = Promise.withResolvers<void>();
    const late = Promise.withResolvers<unknown>();
    const id = await start(async (ctx) => {
      zombie = ctx;
      await ctx.say({ kind: "progress", done: 1 });
      await gate.promise;
      await ctx.callTools([{ callId: "z", name: "loom.weave", arguments: { late: true } }]).catch(late.resolve);
      return "too late";
    });
    await expect.poll(() => seen(app, id).then(({ status }) => status)).toBe("RUNNING");
    await app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id });
    expect(await finished(app, id)).toMatchObject({ status: "CANCELLED", output: null });
    woven.length = 0;
    gate.resolve();
    expect(await late.promise).toMatchObject({ code: "RUN_CANCELLED" });
    expect(() => zombie?.say({ kind: "progress", done: 2 })).toThrow("cancelled");
    expect(woven).toEqual([]);
    expect(await follow(app, id)).not.toContain("tool.requested");
  });

  it("that goes on after its answer is refused", async () => {
    const late = Promise.withResolvers<unknown>();
    const id = await start(async ({ callTools }) => {
      setTimeout(() => void callTools([{ callId: "z", name: "loom.weave", arguments: {} }]).catch(late.resolve), 0);
      return "done";
    });
    expect(await finished(app, id)).toMatchObject({ status: "SUCCEEDED", output: "done" });
    expect(await late.promise).toMatchObject({ code: "PROTOCOL_VIOLATION" });
  });

  it("holds its answer to the schema that the run was started with", async () => {
    const outputSchema = { type: "object", required: ["sheep"] };
    expect(await finished(app, await start(async () => ({ goats: 1 }), { outputSchema }))).toMatchObject({
      status: "FAILED",
      failure: { code: "OUTPUT_INVALID" },
    });
    expect(await finished(app, await start(async () => ({ sheep: 1 }), { outputSchema }))).toMatchObject({ status: "SUCCEEDED" });
  });
});
