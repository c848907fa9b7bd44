import { expect, it } from "vitest";
import { z } from "zod";
import { defineNodeKind } from "../../../../src/plugins/workflows/contract.ts";
import { openLoom } from "./loom.ts";

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
