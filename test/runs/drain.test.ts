import { describe, expect, it } from "vitest";
import { contribution, definePlugin, tools } from "#weftline";
import { agents, auth, capabilities, langchain, langgraph, models, openai } from "../../src/plugins/index.ts";
import { collect, scriptModel, testPlatform } from "../../src/testing/index.ts";
import { countingTool } from "./fixtures.ts";

/** A tool that takes a while, and says when it has begun. */
function slowTool() {
  const begun = Promise.withResolvers<void>();
  const calls: unknown[] = [];
  const { tool } = countingTool({
    timeoutMs: 5_000,
    execute: async (args: never) => {
      calls.push(args);
      begun.resolve();
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { woven: true };
    },
  });
  return { tool, calls, begun: begun.promise };
}

describe("an agent that is between two model calls when the platform closes", () => {
  for (const framework of ["openai", "langchain", "langgraph"]) {
    it(`on ${framework} asks the model next in the next process, and calls no tool again`, async () => {
      const { tool, calls, begun } = slowTool();
      const toolbox = definePlugin({ id: "toolbox", contributes: [contribution(tools, tool.name, tool)] });
      const script = scriptModel([{ toolCalls: [{ name: "loom.weave", arguments: { rows: 2 } }] }, { reply: "It is woven." }]);
      await using app = await testPlatform({
        plugins: [
          auth(),
          models({ default: "script", bindings: {} }),
          script,
          capabilities(),
          toolbox(),
          agents(),
          openai(),
          langchain(),
          langgraph(),
        ],
      });
      await app.graphql(
        `mutation { createAgent(input: { name: "weaver", framework: "${framework}", capabilities: ["loom.weave"] }) { __typename } }`,
      );
      const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
        `mutation { startRun(input: { target: { agent: { name: "weaver" } }, text: "Weave." }) { ... on StartRunPayload { run { id } } } }`,
      );
      await begun;
      await app.restart();
      const see = () => app.graphql("query ($id: ID!) { run(id: $id) { status text usage { modelCalls } } }", startRun.run);
      await expect.poll(see).toMatchObject({ run: { status: "SUCCEEDED", text: "It is woven.", usage: { modelCalls: 2 } } });
      expect(calls).toEqual([{ rows: 2 }]);
      const events = app.subscribe<{ runEvents: { type: string } }>(
        "subscription ($id: ID!) { runEvents(run: $id, after: 0) { type } }",
        startRun.run,
      );
      const types = (await collect(events, { until: () => false })).map(({ runEvents }) => runEvents.type);
      expect(types.filter((type) => /^(run\.resumed|tool\.finished|message\.started)$/.test(type))).toEqual([
        "message.started",
        "tool.finished",
        "run.resumed",
        "message.started",
      ]);
    });
  }
});
