import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { defineNodeKind } from "#plugins/workflows";
import { openLoom, type Loom } from "./loom.ts";

const config = z.strictObject({ first: z.enum(["tool", "question"]) });

/** A kind that waits after it has done something. */
const late = defineNodeKind({
  kind: "late",
  description: "Calls a tool or asks, then waits.",
  config,
  startsByContext: true,
  references: () => ({ tools: ["loom.weave"] }),
  run: async (ctx, { first }) => {
    if (first === "tool") await ctx.callTool("loom.weave", {});
    else await ctx.ask({ kind: "REVIEW", message: "Go on?", allowed: ["APPROVE"] });
    await ctx.wait({ forMs: 10 });
  },
});

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom({ kinds: [late] });
});
afterAll(() => loom.app.close());

it.each(["tool", "question"])("a kind that waits after a %s is told that it cannot, instead of waiting for ever", async (first) => {
  const id = await loom.start(await loom.create([{ key: "n", kind: "late", config: { first } }]));
  await loom.follow(id, async ({ interrupt, interruptStatus }) => {
    if (interrupt && interruptStatus === "PENDING") await loom.decide(interrupt, { kind: "APPROVE" });
    return false;
  });
  expect(await loom.look(id)).toMatchObject({
    status: "FAILED",
    failure: { message: expect.stringContaining('the node "n" waits after something else') as string },
  });
});

it.each<readonly [what: string, config: object, timeout: string, status: string]>([
  ["duration that is longer fails", { duration: "PT1H" }, "PT0.02S", "FAILED"],
  ["moment that is later fails", { until: "{{ input.later }}" }, "PT0.02S", "FAILED"],
  ["duration that is shorter does not", { duration: "PT0.02S" }, "PT1H", "SUCCEEDED"],
  ["moment that is earlier does not", { until: "{{ input.soon }}" }, "PT1H", "SUCCEEDED"],
  ["moment that has passed does not", { until: "2020-01-01T00:00:00Z" }, "PT1H", "SUCCEEDED"],
])("of a wait with a timeout a %s", async (_, wait, timeout, status) => {
  const soon = new Date(Date.now() + 50).toISOString();
  const later = new Date(Date.now() + 3_600_000).toISOString();
  const run = await loom.play([{ key: "n", kind: "wait", config: wait, timeout }], { soon, later });
  expect(run.status).toBe(status);
  if (status === "FAILED") expect(run.failure?.message).toContain("20 ms");
});
