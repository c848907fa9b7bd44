import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyPatch } from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { faultInjections } from "../../../src/core/runs/failpoint.ts";
import { langgraphServer } from "./server.ts";
import { stateOf, Studio, type RunSeen, type StudioOptions } from "./studio.ts";

/** A copy of a running host's data, as a killed process would leave it. */
function crashCopy(dataDir: string): string {
  const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
  cpSync(dataDir, copy, { recursive: true, filter: (file) => !file.endsWith(".lock") && !file.endsWith(".pid") });
  return copy;
}

const pendingOf = ({ interrupts }: RunSeen) => interrupts.nodes.find(({ status }) => status === "PENDING");

async function tell(studio: Studio, run: RunSeen, payload: string): Promise<void> {
  const asked = pendingOf(run);
  expect(
    await studio.decide({
      interrupt: asked?.id,
      kind: "ANSWER",
      payload,
      ...(asked?.argumentsHash == null ? {} : { argumentsHash: asked.argumentsHash }),
    }),
  ).toBe("DecideInterruptPayload");
}

/** A host that hears soon that another worker owns its run. */
const hasty = definePlugin({
  id: "hasty",
  contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { leaseMs: 300, sweepMs: 100 } })],
});

async function waiting({ plugins = [] }: Pick<StudioOptions, "plugins"> = {}) {
  const server = await langgraphServer("lg-secret");
  const config = { remotes: { greet: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } };
  const studio = await Studio.open({ config, plugins });
  await studio.agent("greeter", { graph: "greet" });
  const id = await studio.start("greeter", { text: "Hello." });
  const run = await studio.until(id, ["WAITING"]);
  return { server, studio, id, run, config };
}

describe("a graph on a LangGraph server", () => {
  it("is followed as one here: its words, nodes, state, stream and questions", async () => {
    const { server, studio, id, run: asking } = await waiting();
    await using _ = server;
    await using __ = studio;
    expect(asking).toMatchObject({
      text: null,
      interrupts: { nodes: [{ kind: "INPUT", message: "Your name?", arguments: { question: "Your name?" } }] },
    });
    await studio.app.restart();
    const [asked] = asking.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "Bob" });
    const run = await studio.until(id);
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "Who are you?", failure: null });
    const log = await studio.log(id);
    expect(stateOf(log, applyPatch as never)).toMatchObject({
      name: "Bob",
      messages: [{ content: "Hello." }, { content: "Who are you?" }],
    });
    expect(log.filter(({ kind }) => kind === "message.delta").length).toBeGreaterThan(0);
    expect(log.filter(({ kind }) => kind === "message.finished")).toHaveLength(1);
    expect(run.steps.nodes.map(({ key }) => key).toReversed()).toEqual(["say/model/1", "say/1", "ask/1", "wait/1"]);
    expect(log.filter(({ kind }) => kind === "custom")).toHaveLength(2);
    expect(new Set(server.asked.map(({ key }) => key))).toEqual(new Set(["lg-secret"]));
  });

  it("asks a second time where its second question is the same, and the first decision does not count for it", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "twice" });
    const sure = async () => (await studio.see(id)).interrupts.nodes.filter(({ message }) => message === "Sure?");
    await expect.poll(sure).toMatchObject([{ status: "PENDING" }]);
    const [first] = await sure();
    await studio.decide({ interrupt: first?.id, kind: "ANSWER", payload: "yes" });
    await expect.poll(sure).toMatchObject([{ status: "PENDING" }, { id: first?.id, status: "RESOLVED" }]);
    expect(await studio.until(id, ["WAITING"])).toMatchObject({ status: "WAITING" });
    const [second] = await sure();
    await studio.decide({ interrupt: second?.id, kind: "ANSWER", payload: "very" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", failure: null });
    expect(await sure()).toHaveLength(2);
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name: "yes,very" });
  });

  it("is told an answer once where the server could not be reached, and nobody is asked again", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    server.trouble.next = "deaf";
    await tell(studio, run, "Bob");
    await expect.poll(() => server.trouble.next).toBe("none");
    server.hangUp();
    const done = await studio.until(id);
    expect(done).toMatchObject({ status: "SUCCEEDED", failure: null, interrupts: { nodes: { length: 1 } } });
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name: "Bob" });
  });

  it.each(["deaf", "mute"] as const)(
    "gives each of two same questions its own answer where the process is lost as the server is %s",
    async (trouble) => {
      const { server, studio, id, run, config } = await waiting();
      await using _ = server;
      await using __ = studio;
      await tell(studio, run, "twice");
      await expect.poll(async () => pendingOf(await studio.see(id))).toMatchObject({ message: "Sure?" });
      const first = await studio.until(id, ["WAITING"]);
      server.trouble.next = trouble;
      await tell(studio, first, "yes");
      await expect.poll(() => server.trouble.next).toBe("none");
      if (trouble === "mute") await expect.poll(() => server.statuses()).toEqual(["success", "success", "success"]);
      await using next = await Studio.open({ config, dataDir: crashCopy(studio.app.dataDir) });
      server.hangUp();
      await expect.poll(async () => (await next.see(id)).interrupts.nodes.length).toBe(3);
      const second = await next.until(id, ["WAITING"]);
      await tell(next, second, "very");
      expect(await next.until(id)).toMatchObject({ status: "SUCCEEDED", interrupts: { nodes: { length: 3 } } });
      expect(stateOf(await next.log(id), applyPatch as never)).toMatchObject({ name: "yes,very" });
    },
  );

  it.each([
    { kind: "APPROVE", name: "seen" },
    { kind: "REJECT", name: "watched" },
  ])("that was compiled to stop asks whether to go on: $kind", async ({ kind, name }) => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "watched" });
    const open = async () => (await studio.see(id)).interrupts.nodes.filter((each) => each.kind === "REVIEW");
    await expect.poll(open).toMatchObject([{ status: "PENDING", message: "Go on with look?", allowed: ["APPROVE", "REJECT"] }]);
    await studio.until(id, ["WAITING"]);
    const [question] = await open();
    await studio.app.restart();
    await studio.decide({ interrupt: question?.id, kind });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED" });
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name });
  });

  it.each(["silent", "late"] as const)(
    "is not let past where it was compiled to stop by a server that is %s after that",
    async (trouble) => {
      const { server, studio, id, run } = await waiting();
      await using _ = server;
      await using __ = studio;
      server.trouble.next = trouble;
      await tell(studio, run, "watched");
      await expect.poll(async () => pendingOf(await studio.see(id)), { timeout: 5_000 }).toMatchObject({ message: "Go on with look?" });
      const stopped = await studio.until(id, ["WAITING"]);
      await studio.decide({ interrupt: pendingOf(stopped)?.id, kind: "REJECT" });
      expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", failure: null });
      expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name: "watched" });
      expect(server.statuses()).toEqual(["success", "success"]);
    },
  );

  it("is asked again to go on where its stream ended before it did, and nobody else is", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    await tell(studio, run, "watched");
    await expect.poll(async () => pendingOf(await studio.see(id))).toMatchObject({ message: "Go on with look?" });
    const stopped = await studio.until(id, ["WAITING"]);
    server.trouble.next = "idle";
    await studio.decide({ interrupt: pendingOf(stopped)?.id, kind: "APPROVE" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", failure: null, interrupts: { nodes: { length: 2 } } });
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name: "seen" });
  });

  it("asks at each place where a graph within it was compiled to stop", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    await tell(studio, run, "nested");
    for (const asked of [2, 3]) {
      await expect.poll(async () => (await studio.see(id)).interrupts.nodes.length).toBe(asked);
      const question = pendingOf(await studio.until(id, ["WAITING"]));
      expect(question).toMatchObject({ message: "Go on with inner?" });
      await studio.decide({ interrupt: question?.id, kind: asked === 2 ? "APPROVE" : "REJECT" });
    }
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", interrupts: { nodes: { length: 3 } } });
    expect(server.statuses()).toEqual(["success", "success", "success"]);
  });

  it("cannot ask for the approval of a tool", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "forger" });
    expect(await studio.until(id)).toMatchObject({
      failure: { code: "NODE_FAILED", message: expect.stringContaining("kind") },
      interrupts: { nodes: { length: 1 } },
    });
  });

  it("is cancelled there too, within two seconds", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "slow" });
    await expect.poll(() => server.statuses()).toEqual(["success", "running"]);
    const started = performance.now();
    await studio.app.graphql("mutation ($run: ID!) { cancelRun(run: $run) { __typename } }", { run: id });
    expect((await studio.until(id)).status).toBe("CANCELLED");
    await expect.poll(() => server.statuses()).toEqual(["success", "interrupted"]);
    expect(performance.now() - started).toBeLessThan(2_000);
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
    await expect.poll(async () => (await studio.see(id)).interrupts.nodes.length, { timeout: 5_000 }).toBe(3);
    await tell(studio, await studio.until(id, ["WAITING"]), "very");
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", interrupts: { nodes: { length: 3 } } });
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({ name: "yes,very" });
  });

  it("that fails, does not know the key or is not there fails its run, without the key", async () => {
    const { server, studio, id, run } = await waiting();
    await using _ = server;
    await using __ = studio;
    const [asked] = run.interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", argumentsHash: asked?.argumentsHash, payload: "broken" });
    expect((await studio.until(id)).failure).toMatchObject({
      code: "NODE_FAILED",
      message: expect.stringContaining("This name is broken."),
    });

    await using other = await Studio.open({
      config: { remotes: { locked: { url: server.url, apiKey: "wrong-key" }, unknown: { url: server.url, apiKey: "lg-secret" } } },
    });
    for (const [graph, code] of [
      ["locked", "PROVIDER_AUTH"],
      ["unknown", "PROVIDER_REJECTED"],
    ] as const) {
      await other.agent(graph, { graph });
      const failed = await other.play(graph, { text: "Hello." });
      expect(failed.failure).toMatchObject({ code });
      expect(JSON.stringify(await other.log(failed.id))).not.toMatch(/wrong-key|lg-secret/);
    }
  });
});
