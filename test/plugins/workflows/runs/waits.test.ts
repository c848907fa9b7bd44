import { expect, it, vi } from "vitest";
import { z } from "zod";
import { defineNodeKind } from "../../../../src/plugins/workflows/contract.ts";
import { openLoom, statusesOf, type Loom, type RunEventSeen } from "./loom.ts";

it("a signal that comes between a node's look for it and its wait reaches it, though another node's look has read the news", async () => {
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const slow = defineNodeKind({
    kind: "slow",
    description: "Waits for a signal, and takes its time to say so.",
    config: z.strictObject({ signal: z.string() }),
    run: (ctx, { signal }) =>
      ctx.signalled(signal).catch(async (error: unknown) => {
        asked.resolve();
        await gate.promise;
        throw error;
      }),
  });
  await using loom = await openLoom({ kinds: [slow] });
  const run = await loom.start(
    await loom.create([
      { key: "a", kind: "slow", config: { signal: "a" } },
      { key: "b", kind: "wait", config: { signal: "b" } },
    ]),
  );
  const signal = (name: string): Promise<unknown> =>
    loom.app.graphql(
      "mutation ($run: ID!, $name: String!) { signalRun(run: $run, name: $name, payload: 1) { __typename ... on UserError { message } } }",
      { run, name },
    );
  await asked.promise;
  await signal("a");
  await signal("b");
  await loom.follow(run, ({ type }) => type === "step.finished");
  gate.resolve();
  await loom.follow(run);
  expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: { a: 1, b: 1 } });
});

const signal = (loom: Loom, run: string, name: string): Promise<unknown> =>
  loom.app.graphql(
    "mutation ($run: ID!, $name: String!) { signalRun(run: $run, name: $name) { __typename ... on UserError { message } } }",
    {
      run,
      name,
    },
  );

it("an approved call is made as it was approved, also where a node that it mentions has ended since", async () => {
  await using loom = await openLoom();
  const run = await loom.start(
    await loom.create([
      { key: "first", kind: "transform", config: { expression: "1" } },
      { key: "late", kind: "wait", config: { signal: "late" } },
      {
        key: "cut",
        kind: "tool",
        dependsOn: ["first", "late"],
        join: "ANY",
        config: { tool: "loom.cut", arguments: { late: "{{ nodes.late.status == 'SUCCEEDED' }}" } },
      },
    ]),
  );
  let asked: RunEventSeen["interrupt"];
  await loom.follow(run, ({ interrupt }) => (asked = interrupt) !== undefined);
  await signal(loom, run, "late");
  await vi.waitFor(async () => expect(statusesOf(await loom.look(run))).toMatchObject({ late: "SUCCEEDED" }));
  await vi.waitFor(async () => expect((await loom.look(run)).status).toBe("WAITING"));
  await loom.decide(asked as NonNullable<typeof asked>, { kind: "APPROVE" });
  await loom.follow(run);
  expect(await loom.look(run)).toMatchObject({ status: "SUCCEEDED", output: { args: { late: false } } });
});

it.each([
  ["approval", { message: "{{ item }}" }],
  ["tool", { tool: "loom.cut", arguments: { cut: "{{ item }}" } }],
])("what an item asks is taken back when another item fails the map: %s", async (kind, config) => {
  await using loom = await openLoom();
  const run = await loom.start(
    await loom.create([
      { key: "m", kind: "map", onError: "CONTINUE", config: { over: "[1, 2]", node: { kind, config } } },
      { key: "after", kind: "wait", dependsOn: ["m"], config: { signal: "after" } },
    ]),
  );
  const asked: NonNullable<RunEventSeen["interrupt"]>[] = [];
  await loom.follow(run, async ({ interrupt, interruptStatus }) => {
    if (interrupt && interruptStatus === "PENDING" && asked.push(interrupt) === 2) await loom.decide(interrupt, { kind: "REJECT" });
    return "after" in statusesOf(await loom.look(run));
  });
  const pending = "{ interrupts(first: 10) { nodes { message } } }";
  expect(await loom.app.graphql(pending)).toEqual({ interrupts: { nodes: [] } });
  expect(await loom.decide(asked[0] as NonNullable<(typeof asked)[0]>, { kind: "APPROVE" })).toBe("ConflictError");
  const calls = await loom.app.platform.database.read.all("select status from runs_tool_call where status = 'AWAITING_APPROVAL'");
  expect(calls).toEqual([]);
  await signal(loom, run, "after");
  expect((await loom.follow(run)).at(-1)).toMatchObject({ type: "run.finished" });
});
