import { applyPatch } from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { faultInjections } from "../../../src/core/runs/failpoint.ts";
import { pendingOf, tell, waiting } from "./remote-studio.ts";
import { langgraphServer } from "./server.ts";
import { stateOf, Studio } from "./studio.ts";

/** A host that hears soon that another worker owns its run. */
const hasty = definePlugin({
  id: "hasty",
  contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { leaseMs: 300, sweepMs: 100 } })],
});

describe("a run on a LangGraph server", () => {
  it("is cancelled there too", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "slow" });
    await expect.poll(() => server.statuses()).toEqual(["success", "running"]);
    await studio.app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: id });
    expect((await studio.until(id)).status).toBe("CANCELLED");
    await expect.poll(() => server.statuses()).toEqual(["success", "interrupted"]);
  });

  it("is left alone there by a worker that has lost the run to another", async () => {
    const { server, studio, run } = await waiting({ plugins: [hasty()] });
    await using _ = server;
    await using __ = studio;
    await tell(studio, run, "slow");
    await expect.poll(() => server.statuses()).toEqual(["success", "running"]);
    await studio.app.platform.database.commit(({ sql }) =>
      sql.run(`update runs_run set epoch = epoch + 1, lease_owner = 'other', lease_until = ${sql.now} + 60000`),
    );
    await expect.poll(() => server.left()).toBe(1);
    const { length } = server.asked;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(server.asked.slice(length)).toEqual([]);
    expect(server.statuses()).toEqual(["success", "running"]);
  });

  it.each([
    { answer: "ends once", failure: null },
    { answer: "breaks once", failure: null },
    { answer: "ends", failure: { code: "STREAM_TRUNCATED" } },
    { answer: "breaks", failure: { code: "CONNECTION_LOST" } },
  ])("whose stream $answer before the graph came to its end is asked again, and not taken for short", async ({ answer, failure }) => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: answer });
    const ended = await studio.until(id);
    if (failure) expect(ended).toMatchObject({ status: "FAILED", failure });
    else expect(ended).toMatchObject({ status: "SUCCEEDED", text: "Who are you?", failure: null });
    // Nothing is left at work there, also where the run has failed here.
    const there = failure ? ["interrupted", "interrupted", "interrupted"] : ["interrupted", "success"];
    expect(server.statuses()).toEqual(["success", ...there]);
  });

  it("whose stream ends within a message says it anew, and what it had said of it does not stand", async () => {
    await using server = await langgraphServer("lg-secret");
    server.trouble.next = "half";
    await using studio = await Studio.open({ config: { remotes: { greet: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } } });
    await studio.agent("greeter", { graph: "greet" });
    const id = await studio.start("greeter", { text: "Hello." });
    await studio.until(id, ["WAITING"]);
    const said = (await studio.log(id)).filter(({ kind }) => kind === "message.finished").map(({ payload }) => payload);
    expect(said).toMatchObject([
      { status: "FAILED", text: "W" },
      { status: "COMPLETE", text: "Who are you?" },
    ]);
  });

  it("is given the input again where its first run was cancelled as it waited for its turn", async () => {
    await using server = await langgraphServer("lg-secret");
    server.trouble.next = "pending";
    await using studio = await Studio.open({ config: { remotes: { greet: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } } });
    await studio.agent("greeter", { graph: "greet" });
    const id = await studio.start("greeter", { text: "Hello." });
    await expect.poll(() => server.statuses()).toEqual(["pending"]);
    server.hangUp();
    expect(await studio.until(id, ["WAITING"])).toMatchObject({ interrupts: { nodes: [{ message: "Your name?" }] } });
    expect(server.statuses()).toEqual(["interrupted", "success"]);
  });

  it("is told an answer again where the run that was to read it was cancelled as it waited for its turn", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    await tell(studio, run, "twice");
    await expect.poll(async () => pendingOf(await studio.see(id))).toMatchObject({ message: "Sure?" });
    const first = await studio.until(id, ["WAITING"]);
    server.trouble.next = "pending";
    await tell(studio, first, "yes");
    await expect.poll(() => server.statuses()).toContain("pending");
    server.hangUp();
    await expect.poll(async () => (await studio.see(id)).interrupts.nodes.length).toBe(3);
    await tell(studio, await studio.until(id, ["WAITING"]), "very");
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", interrupts: { nodes: { length: 3 } } });
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name: "yes,very" });
  });
});
