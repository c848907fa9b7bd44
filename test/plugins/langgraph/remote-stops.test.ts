import { applyPatch } from "@langchain/core/utils/json_patch";
import { describe, expect, it } from "vitest";
import { pendingOf, tell, waiting } from "./remote-studio.ts";
import { stateOf } from "./studio.ts";

describe("a graph on a LangGraph server", () => {
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
      await expect.poll(async () => pendingOf(await studio.see(id))).toMatchObject({ message: "Go on with look?" });
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
});
