import { expect, it } from "vitest";
import { contribution, definePlugin, tools } from "#weftline";
import { faultInjections } from "../../../../src/core/runs/failpoint.ts";
import { capabilities, workflows } from "../../../../src/plugins/index.ts";
import { collect, testPlatform, testViewer } from "../../../../src/testing/index.ts";
import { tool } from "../../capabilities/play.ts";

const crowd = testViewer("crowd", { tenantId: "crowded" });
const single = testViewer("single", { tenantId: "quiet" });

it("a tenant with two hundred runs of parallel nodes does not hold up another's one run", async () => {
  const ended: string[] = [];
  // Nothing ends before all have been started.
  const gate = Promise.withResolvers<void>();
  const weave = tool("loom.weave", {
    timeoutMs: 60_000,
    execute: async ({ who }: { who: string }) => {
      await gate.promise;
      ended.push(who);
    },
  });
  const slow = definePlugin({
    id: "slow",
    contributes: [
      contribution(tools, "loom.weave", weave),
      contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { concurrency: 4 } }),
    ],
  });
  await using app = await testPlatform({ plugins: [capabilities(), workflows(), slow()] });
  const node = (key: string): object => ({ key, kind: "tool", config: { tool: "loom.weave", arguments: { who: "{{ input.who }}" } } });
  for (const viewer of [crowd, single])
    await app.graphql(
      "mutation ($input: CreateWorkflowInput!) { createWorkflow(input: $input) { __typename ... on UserError { message } } }",
      { input: { name: "weave", nodes: ["a", "b", "c"].map(node) } },
      viewer,
    );
  const start = async (viewer: typeof crowd, who: string): Promise<string> => {
    const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
      `mutation ($input: JSON) { startRun(input: { target: { workflow: { name: "weave" } }, input: $input }) {
        ... on StartRunPayload { run { id } } ... on UserError { message } } }`,
      { input: { who } },
      viewer,
    );
    return startRun.run.id;
  };
  const crowded = await Promise.all(Array.from({ length: 200 }, () => start(crowd, "crowd")));
  const run = await start(single, "single");
  gate.resolve();
  const follow = (id: string, viewer: typeof crowd) =>
    collect(app.subscribe("subscription ($id: ID!) { runEvents(run: $id, after: 0) { type } }", { id }, viewer));
  await follow(run, single);
  for (const id of crowded) await follow(id, crowd);
  expect(ended.filter((who) => who === "single")).toHaveLength(3);
  expect(ended).toHaveLength(603);
  // What was at work when it came, and those of the crowd that took turns with it.
  expect(ended.lastIndexOf("single")).toBeLessThan(60);
});
