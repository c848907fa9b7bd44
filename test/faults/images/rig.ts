import { z } from "zod";
import { RunBelow, contribution, defineJob, definePlugin, jobs, tools, type ToolContext, type ToolDefinition } from "#weftline";
import { faultInjections, type Failpoint } from "../../../src/core/runs/failpoint.ts";
import { defineWorkflow, workflowDefinitions } from "#plugins/workflows";
import type { Outside } from "./outside.ts";

/** Told of every place that is reached; tools have places of their own, right after what they do. */
export type Reach = (at: Parameters<Failpoint>[0] | "rig.acted") => void;

const given = defineWorkflow({ name: "brought", nodes: { one: { kind: "transform", config: { expression: "1" } } } });

interface Act {
  readonly id: string;
  /** How often it fails before it does not. */
  readonly failures?: number;
}

/** Stands in a platform: its failpoints, its leases, and tools that act outside. */
export function rig(outside: Outside, reach: Reach) {
  const act = (name: string, rest: Partial<ToolDefinition>, work: (args: Act, ctx: ToolContext) => unknown): ToolDefinition => ({
    name,
    description: `Does ${name}.`,
    inputSchema: { type: "object", properties: { id: { type: "string" } }, required: ["id"] },
    sideEffects: "EXTERNAL",
    approval: "NEVER",
    idempotent: false,
    timeoutMs: 10_000,
    execute: (args: Act, ctx) => work(args, ctx),
    ...rest,
  });
  const note =
    (tool: string) =>
    ({ id }: Act, ctx: ToolContext) => {
      outside.effects.push({ tool, id, key: ctx.idempotencyKey });
      reach("rig.acted");
      return `${tool} ${id}`;
    };
  const brought = [
    act("rig.pay", {}, note("rig.pay")),
    act("rig.refund", {}, note("rig.refund")),
    act("rig.misdeclared", { idempotent: true }, note("rig.misdeclared")),
    act("rig.note", { idempotent: true }, note("rig.note")),
    act("rig.flaky", { idempotent: true }, ({ id, failures = 0 }) => {
      const before = outside.attempts.get(id) ?? 0;
      outside.attempts.set(id, before + 1);
      if (before < failures) throw new Error("not yet");
      return "at last";
    }),
    act("rig.hang", { idempotent: true }, async ({ id }, { signal }) => {
      const before = outside.attempts.get(id) ?? 0;
      outside.attempts.set(id, before + 1);
      reach("rig.acted");
      if (before === 0) await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
      return "free";
    }),
    act(
      "rig.stuck",
      { idempotent: true },
      (_, { signal }) => new Promise((__, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    ),
    act(
      "rig.below",
      { startsRun: true },
      ({ id }) => new RunBelow({ targetType: "Workflow", target: { id, name: "below", version: 1 }, input: {} }),
    ),
    act("rig.slow", { idempotent: true }, async ({ id }, ctx) => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      return note("rig.slow")({ id }, ctx);
    }),
    act("rig.fail", { idempotent: true }, ({ id }) => {
      throw new Error(`${id} never works`);
    }),
  ];
  // What it does outside stands beside its state, so that a loss between the two does that part alone again.
  const sweep = defineJob({
    name: "rig.sweep",
    input: z.object({ id: z.string() }),
    state: z.object({ swept: z.int() }),
    onBusy: "ENQUEUE",
    async run({ input, state, progress, save, commit }) {
      for (let swept = state?.swept ?? 0; swept < 4; swept++) {
        outside.effects.push({ tool: "rig.sweep", id: `${input.id}/${swept}`, key: `${swept}` });
        reach("rig.acted");
        progress(swept, 4);
        const next = { swept: swept + 1 };
        await (swept % 2 === 0 ? save(next) : commit(async () => next, "rig.swept"));
      }
      return "swept";
    },
  });
  return definePlugin({
    id: "rig",
    contributes: [
      contribution(faultInjections, "suite", {
        failpoint: reach,
        engine: { leaseMs: 450, sweepMs: 150 },
        housekeeping: { expiryMs: 60, cleaningMs: 120, deltasMs: 0 },
        drainMs: 200,
      }),
      contribution(workflowDefinitions, given.name, given),
      contribution(jobs, sweep.name, sweep),
      ...brought.map((tool) => contribution(tools, tool.name, tool)),
    ],
  })();
}
