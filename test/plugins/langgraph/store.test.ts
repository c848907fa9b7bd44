import * as checkpointing from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { Run } from "#weftline";
import { createStore } from "../../../src/plugins/langgraph/store.ts";
import { testViewer } from "../../../src/testing/index.ts";
import { Studio } from "./studio.ts";

describe("what graphs store", () => {
  it("is there in later runs of the same owner, found by namespace and filter, and for nobody else", async () => {
    await using studio = await Studio.open({
      config: { graphs: { remembering: "./test/plugins/langgraph/graphs/travel.ts:remembering" } },
    });
    await studio.agent("mind", { graph: "remembering", output: "known" });
    expect((await studio.play("mind", { input: { fact: "looms" } })).text).toBe('["looms"]');
    expect((await studio.play("mind", { input: { fact: "no" } })).text).toBe('["looms"]');
    const { database } = studio.app.platform;
    const [run] = await database.em("SYSTEM").find(Run, {});
    const store = createStore({ checkpointing }, database, run?.id ?? "");
    expect(await store.listNamespaces({ prefix: ["facts", "*"] })).toEqual([["facts", "all"]]);
    expect(await store.listNamespaces({ prefix: ["other"] })).toEqual([]);
    expect(await store.get(["facts", "all"], "looms")).toMatchObject({
      key: "looms",
      namespace: ["facts", "all"],
      value: { text: "looms" },
    });
    expect(await store.get(["facts"], "looms")).toBeNull();
    await studio.app.restart();
    expect((await studio.play("mind", { input: { fact: "yarn" } })).text).toBe('["looms","yarn"]');
    const { startRun } = await studio.app.graphql<{ startRun: { run: { id: string } } }>(
      "mutation ($input: StartRunInput!) { startRun(input: $input) { ... on StartRunPayload { run { id } } } }",
      { input: { target: { agent: { name: "mind" } }, input: { fact: "silk" } } },
      testViewer("bob"),
    );
    const seen = () => studio.app.graphql("query ($id: ID!) { run(id: $id) { text } }", { id: startRun.run.id }, testViewer("bob"));
    await expect.poll(seen).toEqual({ run: { text: '["silk"]' } });
  });
});
