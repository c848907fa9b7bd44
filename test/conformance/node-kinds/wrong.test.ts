import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { z } from "zod";
import { WeftlineError, contribution, definePlugin } from "#weftline";
import { defineNodeKind, workflowNodes, type NodeContext, type NodeKindSpec, type WorkflowNodeKind } from "#plugins/workflows";
import { nodeKindConformance, type NodeKindConformance } from "../../../src/testing/index.ts";

const config = z.strictObject({ text: z.string().min(1), later: z.boolean().default(false) });
type Jot = NodeKindSpec<typeof config>;
type Settings = z.output<typeof config>;

/** What was jotted down, by the key under which it must not be done twice. */
type Paper = Map<string, string>;

const secret = "correct horse battery staple";

function textOf(text: unknown): string {
  if (typeof text === "string") return text;
  throw new WeftlineError("INVALID_INPUT", { message: "What is jotted down is a text." });
}

async function jot(paper: Paper, ctx: NodeContext, { text, later }: Settings): Promise<unknown> {
  if (text === "fail") throw new WeftlineError("CONFLICT", { message: "The paper is full." });
  if (later) await sleep(60_000, undefined, { signal: ctx.signal });
  paper.set(ctx.idempotencyKey, textOf(text));
  return { jotted: text };
}

/** A suite over a kind that jots texts down, or over one that does it wrong. */
function suiteOf(wrong: (paper: Paper) => Partial<Jot> = () => ({})): NodeKindConformance {
  const paper: Paper = new Map();
  const kind = defineNodeKind({
    kind: "jot",
    description: "Jots a text down.",
    config,
    outputSchema: () => ({ type: "object", properties: { jotted: { type: "string" } }, required: ["jotted"] }),
    run: (ctx, settings) => jot(paper, ctx, settings),
    ...wrong(paper),
  });
  const plugin = definePlugin({ id: "jotter", contributes: [contribution(workflowNodes, "jot", kind as WorkflowNodeKind<never>)] });
  return nodeKindConformance("jot", {
    plugins: () => plugin(),
    kind: "jot",
    cases: [{ config: { text: "milk" }, output: (output: unknown) => expect(output).toBeDefined(), decision: { kind: "APPROVE" } }],
    refused: [{ config: { text: "" }, path: ["text"] }],
    slow: { config: { text: "milk", later: true } },
    failing: [{ config: { text: "fail" } }],
    secrets: [secret],
    effects: () => [...paper.values()],
  });
}

const instead = (run: (ctx: NodeContext, settings: Settings, paper: Paper) => unknown) => (paper: Paper) => ({
  run: (ctx: NodeContext, settings: Settings) =>
    settings.text === "milk" && !settings.later ? run(ctx, settings, paper) : jot(paper, ctx, settings),
});
const question = { kind: "REVIEW", message: "Jot it down?", allowed: ["APPROVE"] } as const;
let count = 0;

/** Kinds that do one thing wrong, with the check that says so and a word of what it says. */
const wrong: readonly (readonly [what: string, check: RegExp, says: RegExp, wrong: (paper: Paper) => Partial<Jot>])[] = [
  ["takes any settings", /^refuses wrong settings/, /has a problem at "text"/, () => ({ config: z.looseObject({}) as never })],
  [
    "waits while it validates",
    /^is checked and described/,
    /begins nothing/,
    () => ({ config: config.refine(async () => (await sleep(1)) === undefined) as never }),
  ],
  [
    "names another schema each time",
    /^is checked and described/,
    /the same twice/,
    () => ({ outputSchema: () => ({ title: `${++count}` }) }),
  ],
  ["gives a date", /^gives its output/, /is a Date/, instead(() => ({ jotted: "milk", at: new Date() }))],
  ["gives what JSON drops", /^gives its output/, /note is undefined/, instead(async () => ({ jotted: "milk", note: undefined }))],
  ["gives an output of another shape", /^gives its output/, /fits outputSchema/, instead(async () => ({ jotted: 7 }))],
  ["names no schema", /^gives its output/, /JSON Schema/, () => ({ outputSchema: () => ({ type: "nonsense" }) })],
  [
    "takes no expression",
    /^takes each text/,
    /text may be an expression/,
    () => ({ config: config.extend({ text: z.string().min(1).max(5) }) }),
  ],
  [
    "trusts what expressions give",
    /^fails with an error of the catalogue where/,
    /TypeError/,
    (paper) => ({ run: (ctx, settings) => jot(paper, ctx, { ...settings, text: settings.text.trim() }) }),
  ],
  [
    "does not heed its signal",
    /^stops soon when its run is cancelled/,
    /pass ctx.signal on/,
    (paper) => ({ run: (ctx, settings) => (settings.later ? sleep(60_000, {}, { ref: false }) : jot(paper, ctx, settings)) }),
  ],
  [
    "gives an output although its time is over",
    /^stops soon when its time is over/,
    /gives no output/,
    (paper) => ({ run: (ctx, settings) => (settings.later ? jot(paper, ctx, settings).catch(() => null) : jot(paper, ctx, settings)) }),
  ],
  [
    "leaves a timer",
    /^leaves no timer/,
    /Timeout/,
    instead(async () => {
      setInterval(() => undefined, 60_000);
      return { jotted: "milk" };
    }),
  ],
  [
    "leaves a listener",
    /^leaves no timer/,
    /removed from ctx.signal/,
    instead(async ({ signal }) => {
      signal.addEventListener("abort", () => undefined);
      return { jotted: "milk" };
    }),
  ],
  [
    "says that it does nothing by itself",
    /^does nothing but through its context/,
    /leave startsByContext out/,
    (paper) => ({
      startsByContext: true,
      run: async (ctx, settings) => {
        await sleep(1);
        return jot(paper, ctx, settings);
      },
    }),
  ],
  [
    "takes a wait for a failure",
    /^passes RUN_SUSPENDED on/,
    /comes out of run/,
    instead(async (ctx, settings, paper) => {
      await ctx.ask(question).catch(() => undefined);
      return jot(paper, ctx, settings);
    }),
  ],
  [
    "asks something else each time",
    /^passes RUN_SUSPENDED on/,
    /the same in the same order/,
    instead(async (ctx, settings, paper) => {
      await ctx.ask({ ...question, message: `Jot it down? ${++count}` });
      return jot(paper, ctx, settings);
    }),
  ],
  [
    "does again what it did",
    /^does once/,
    /pass ctx.idempotencyKey on/,
    instead(async (ctx, settings, paper) => jot(paper, { ...ctx, signal: ctx.signal, idempotencyKey: `${++count}` }, settings)),
  ],
  [
    "throws what only it knows",
    /^fails with an error of the catalogue, which/,
    /throws a WeftlineError/,
    (paper) => ({
      run: async (ctx, settings) => {
        if (settings.text === "fail") throw new Error("The paper is full.");
        return jot(paper, ctx, settings);
      },
    }),
  ],
  ["gives its secret away", /^tells no secret/, /secret 1 stands in/, instead(async () => ({ jotted: secret }))],
  [
    "logs its secret",
    /^tells no secret/,
    /secret 1 stands in/,
    instead(async (ctx, settings, paper) => {
      ctx.log.child({ pass: secret }).info({ with: { pass: secret } }, "jotting");
      return jot(paper, ctx, settings);
    }),
  ],
];

it("a kind that does nothing wrong passes all of it", async () => {
  const { checks, inapplicable } = suiteOf();
  expect([checks.length, inapplicable]).toEqual([13, []]);
  for (const { name, run } of checks) await expect(run(), name).resolves.toBeUndefined();
});

it.each(wrong)("a kind that %s is found", async (_, check, says, change) => {
  const found = suiteOf(change).checks.filter(({ name }) => check.test(name));
  expect(found).toHaveLength(1);
  await expect(found[0]?.run()).rejects.toThrow(says);
});

it("every check has a kind that fails it", () => {
  expect(suiteOf().checks.filter(({ name }) => !wrong.some(([, check]) => check.test(name)))).toEqual([]);
});

it("a check that says nothing about a kind is no test of it", () => {
  const { checks, inapplicable } = nodeKindConformance("x", {
    plugins: () => [],
    kind: "x",
    cases: [{ config: { n: 1 }, output: 1 }],
    refused: [{ config: {}, path: ["n"] }],
  });
  expect(checks.length + inapplicable.length).toBe(13);
  expect(inapplicable.map(({ reason }) => reason)).toEqual([
    "no settings of its cases are texts that may be expressions",
    "no settings of its cases are texts that may be expressions",
    "no settings are named with which it takes its time",
    "no settings are named with which it takes its time",
    "no settings are named with which it fails",
    "it is configured with no secret",
  ]);
});

it("a kind that no plugin brings is refused by its name", async () => {
  const { checks } = nodeKindConformance("x", {
    plugins: () => [],
    kind: "x",
    cases: [{ config: {}, output: 1 }],
    refused: [{ config: {}, path: [] }],
  });
  await expect(checks[1]?.run()).rejects.toThrow('No plugin brings the kind of node "x".');
});
