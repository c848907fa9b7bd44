import { describe, expect, it } from "vitest";
import { testViewer } from "../../../src/testing/index.ts";
import { Studio } from "./studio.ts";

describe("what graphs store", () => {
  it("is there in later runs of the same owner, found by namespace and filter, and for nobody else", async () => {
    await using studio = await Studio.open({
      config: { graphs: { remembering: "./test/plugins/langgraph/graphs/travel.ts:remembering" } },
    });
    await studio.agent("mind", { graph: "remembering", output: "known" });
    expect((await studio.play("mind", { input: { fact: "looms" } })).text).toBe('["looms","facts/all"]');
    expect((await studio.play("mind", { input: { fact: "no" } })).text).toBe('["looms","facts/all"]');
    await studio.app.restart();
    expect((await studio.play("mind", { input: { fact: "yarn" } })).text).toBe('["looms","yarn","facts/all"]');
    const { startRun } = await studio.app.graphql<{ startRun: { run: { id: string } } }>(
      "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
      { input: { target: { agent: { name: "mind" } }, input: { fact: "silk" } } },
      testViewer("bob"),
    );
    const seen = () => studio.app.graphql("query ($id: ID!) { run(id: $id) { text } }", { id: startRun.run.id }, testViewer("bob"));
    await expect.poll(seen).toEqual({ run: { text: '["silk","facts/all"]' } });
  });
});
