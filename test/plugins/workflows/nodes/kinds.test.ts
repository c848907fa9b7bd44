import { describe, expect, it } from "vitest";
import { globalId, type DecisionKind, type WeftlineError, type QuestionOutcome } from "#weftline";
import type { NodeContext } from "#plugins/workflows";
import { compileConfig, type ExpressionValues } from "../../../../src/plugins/workflows/definition/templates.ts";
import { shippedKinds } from "../../../../src/plugins/workflows/nodes/kinds.ts";
import { branchConfig, type BranchConfig } from "../../../../src/plugins/workflows/nodes/scheduled/branch.ts";
import { loopConfig, type LoopConfig } from "../../../../src/plugins/workflows/nodes/scheduled/loop.ts";
import { mapConfig, type MapConfig } from "../../../../src/plugins/workflows/nodes/scheduled/map.ts";

const tomorrow = new Date(Date.now() + 86_400_000);
const values: ExpressionValues = { input: { who: "writer", n: 5, when: tomorrow.toISOString(), delay: "P2D" }, nodes: {} };
const year = { forMs: 365 * 24 * 60 * 60 * 1_000 };

/** Runs a node of a kind, and tells what it asked of its context, which answers `outcome`. */
async function run(name: string, settings: Readonly<Record<string, unknown>>, outcome?: unknown) {
  const kind = shippedKinds.find((each) => each.kind === name);
  if (!kind) throw new Error(`no kind ${name}`);
  const asked: unknown[] = [];
  const answer = (...args: readonly unknown[]): Promise<never> => {
    asked.push(...args);
    return Promise.resolve(outcome as never);
  };
  const ctx = { key: "it", callTool: answer, runChild: answer, ask: answer, wait: answer, signalled: answer } as unknown as NodeContext;
  const compiled = await compileConfig(kind, settings);
  const output = await kind.run(ctx, (await compiled.evaluate(values, "ada")) as never);
  return { asked, output };
}

const decided = (kind: keyof typeof DecisionKind, more: object = {}): QuestionOutcome =>
  ({ status: "RESOLVED", decision: { kind, by: "ada", at: "2030-01-01T00:00:00Z", ...more } }) as unknown as QuestionOutcome;

describe("a node of the kind", () => {
  it.each<readonly [kind: string, settings: Readonly<Record<string, unknown>>, asked: readonly unknown[]]>([
    ["agent", { agent: "{{ input.who }}", text: "{{ input.n }}" }, [{ target: { agent: { name: "writer" } }, text: "5" }]],
    ["agent", { agent: { id: "abc" }, input: { n: "{{ input.n }}" } }, [{ target: { agent: { id: "abc" } }, input: { n: 5 } }]],
    ["tool", { tool: "t", arguments: { n: "{{ input.n }}" } }, ["t", { n: 5 }]],
    ["tool", { tool: "t" }, ["t", {}]],
    ["workflow", { workflow: "w", input: [1] }, [{ target: { workflow: { name: "w" } }, input: [1] }]],
    ["workflow", { workflow: { name: "w" } }, [{ target: { workflow: { name: "w" } } }]],
  ])("%s passes on what %j says, and what comes back", async (kind, settings, asked) => {
    expect(await run(kind, settings, { done: true })).toEqual({ asked, output: { done: true } });
  });

  it("transform gives the value of its expression", async () => {
    expect((await run("transform", { expression: "[input.n, null]" })).output).toEqual([5, null]);
  });

  it.each<readonly [settings: Readonly<Record<string, unknown>>, asked: unknown]>([
    [{ duration: "PT1M30S" }, { forMs: 90_000 }],
    [{ duration: 5 }, { forMs: 5 }],
    [{ duration: "{{ input.delay }}" }, { forMs: 172_800_000 }],
    [{ duration: "P365D" }, year],
    [{ until: "{{ input.when }}" }, { until: tomorrow.getTime() }],
  ])("wait waits as %j says", async (settings, asked) => {
    expect(await run("wait", settings)).toEqual({ asked: [asked], output: null });
  });

  it("wait gives the payload of its signal, and refuses what is no time or too long", async () => {
    expect(await run("wait", { signal: "go-{{ input.n }}" }, { ok: 1 })).toEqual({ asked: ["go-5"], output: { ok: 1 } });
    await expect(run("wait", { duration: "{{ input.who }}" })).rejects.toThrow("A duration is written as in PT30S or P1D. This is writer.");
    await expect(run("wait", { duration: "{{ 'P100Y' }}" })).rejects.toThrow("A wait is at most a year long.");
    await expect(run("wait", { until: "{{ input.who }}" })).rejects.toThrow("A moment is written with its offset");
    await expect(run("wait", { duration: "{{ 'P' }}" })).rejects.toThrow("This is P.");
    await expect(run("wait", { signal: "{{ ' ' }}" })).rejects.toThrow("A signal's name has 1 to 100 characters.");
  });

  it("approval asks, and gives the payload of what was decided", async () => {
    const approvers = { roles: ["admin"], actors: ["bob", globalId("Actor", "acme/eve")] };
    const { asked, output } = await run("approval", { message: "{{ input.n }}", approvers }, decided("APPROVE", { payload: { note: 1 } }));
    expect(asked).toEqual([
      { kind: "REVIEW", message: "5", allowed: ["APPROVE", "REJECT"], approvers: { roles: ["admin"], actors: ["bob", "eve"] } },
    ]);
    expect(output).toEqual({ note: 1 });
    expect((await run("approval", { message: "?" }, decided("APPROVE"))).output).toBe(null);
  });

  it("input asks for what its schema says, and gives the answer", async () => {
    const responseSchema = { type: "integer" };
    const { asked, output } = await run("input", { message: "How many?", responseSchema }, decided("ANSWER", { payload: 3 }));
    expect(asked).toEqual([{ kind: "INPUT", message: "How many?", allowed: ["ANSWER"], responseSchema }]);
    expect(output).toBe(3);
  });

  it.each(["approval", "input"])("%s fails where nobody answers in time or the run is cancelled", async (kind) => {
    const codeOf = (outcome: QuestionOutcome): Promise<unknown> =>
      run(kind, { message: "?" }, outcome).catch((error: unknown) => (error as WeftlineError).code);
    expect(await codeOf({ status: "EXPIRED" })).toBe("NODE_EXPIRED");
    expect(await codeOf({ status: "CANCELLED" })).toBe("RUN_CANCELLED");
  });

  it("approval fails where it is rejected, with the reason", async () => {
    const rejected = run("approval", { message: "?" }, decided("REJECT", { reason: "too dear" }));
    await expect(rejected).rejects.toMatchObject({
      code: "NODE_REJECTED",
      message: '"it" was rejected: too dear',
      retryable: false,
    });
    await expect(run("approval", { message: "?" }, decided("REJECT"))).rejects.toThrow('"it" was rejected.');
  });
});

describe("the settings of", () => {
  const node = { kind: "transform", config: { expression: "item" }, timeout: "PT1S", retry: { attempts: 2 } };
  const inner = {
    kind: "transform",
    config: { expression: "item" },
    timeoutMs: 1_000,
    retry: { attempts: 2, delayMs: 1_000, factor: 2, jitter: true },
  };

  it("branch, map and loop are read with their defaults", () => {
    const branch: BranchConfig = branchConfig.parse({ cases: [{ when: "true", to: "a" }] });
    expect(branch).toEqual({ cases: [{ when: "true", to: "a" }] });
    const map: MapConfig = mapConfig.parse({ over: "input", node });
    expect(map).toEqual({ over: "input", as: "item", node: { ...inner, onError: "FAIL" }, concurrency: 8 });
    const loop: LoopConfig = loopConfig.parse({ while: "true", max: 3, node: { ...node, onError: "CONTINUE" } });
    expect(loop).toEqual({ while: "true", max: 3, node: { ...inner, onError: "CONTINUE" } });
  });

  it.each(["input", "nodes", "index", "int", "1a", "a-b", "for"])("map cannot call its items %s", (as) => {
    expect(mapConfig.safeParse({ over: "input", as, node }).success).toBe(false);
  });
});
