import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyPatch } from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import { pendingOf, tell, waiting } from "./remote-studio.ts";
import { stateOf, Studio } from "./studio.ts";

/** A copy of a running host's data, as a killed process would leave it. */
function crashCopy(dataDir: string): string {
  const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
  cpSync(dataDir, copy, { recursive: true, filter: (file) => !file.endsWith(".lock") && !file.endsWith(".pid") });
  return copy;
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
    expect(run.steps.nodes.map(({ key }) => key)).toEqual(["say/model/1", "say/1", "ask/1", "wait/1"]);
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
