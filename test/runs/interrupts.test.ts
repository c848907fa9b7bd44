import { describe, expect, it } from "vitest";
import { alice, bootRuns, callOnce, countingTool } from "./fixtures.ts";

async function waiting(more: Parameters<typeof countingTool>[0] = {}) {
  const { tool, calls } = countingTool({ approval: "ALWAYS", ...more });
  const host = await bootRuns({ turn: callOnce("loom.weave", { rows: 2 }), tools: [tool] });
  const run = await host.start();
  await host.until(run.id, "WAITING");
  const [asked] = await host.interrupts();
  return { host, run, calls, interruptId: asked?.id ?? "", argumentsHash: asked?.arguments_hash ?? "" };
}

describe("an approval", () => {
  it("takes no worker while it waits", async () => {
    const { host, run } = await waiting();
    await using _ = host;
    expect(host.engine.active).toBe(0);
    expect(await host.find(run.id)).toMatchObject({ leaseOwner: null, dueAt: null });
  });

  it("runs the tool with the arguments of an edit", async () => {
    const { host, run, calls, interruptId, argumentsHash } = await waiting();
    await using _ = host;
    await host.decide({ interruptId, kind: "EDIT", argumentsHash, arguments: { rows: 1 } });
    await host.until(run.id, "SUCCEEDED");
    expect(calls.map(({ args }) => args)).toEqual([{ rows: 1 }]);
  });

  it("tells the model that a person rejected the call, and does not run it", async () => {
    const { host, run, calls, interruptId, argumentsHash } = await waiting();
    await using _ = host;
    await host.decide({ interruptId, kind: "REJECT", argumentsHash, reason: "Not today." });
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("It did not: DENIED Not today.");
    expect(calls).toHaveLength(0);
  });

  it("is for exactly the arguments that were shown", async () => {
    const { host, interruptId, argumentsHash } = await waiting();
    await using _ = host;
    await expect(host.decide({ interruptId, kind: "APPROVE" })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(host.decide({ interruptId, kind: "APPROVE", argumentsHash: argumentsHash.replace(/^./, "x") })).rejects.toMatchObject({
      code: "DECISION_CONFLICT",
    });
    await expect(host.decide({ interruptId, kind: "EDIT", argumentsHash, arguments: "no object" })).rejects.toMatchObject({
      code: "INVALID_INPUT",
    });
    await expect(host.decide({ interruptId, kind: "ANSWER", argumentsHash, payload: 1 })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect((await host.interrupts())[0]?.status).toBe("PENDING");
  });

  it("counts no more once a cancel of its run was acknowledged, whichever it would have been", async () => {
    for (const kind of ["APPROVE", "REJECT"] as const) {
      const { host, run, calls, interruptId, argumentsHash } = await waiting();
      await using _ = host;
      const cancelled = host.runs.cancel(host.platform.scope(alice), run.id);
      const [decided] = await Promise.allSettled([cancelled.then(() => host.decide({ interruptId, kind, argumentsHash }))]);
      expect(decided).toMatchObject({ status: "rejected", reason: { code: "DECISION_CONFLICT" } });
      await host.until(run.id, "CANCELLED");
      expect((await host.interrupts())[0]?.status).toBe("CANCELLED");
      expect(calls).toHaveLength(0);
    }
  });

  it("is decided once: the same decision again is the same answer, another one a conflict", async () => {
    const { host, run, calls, interruptId, argumentsHash } = await waiting();
    await using _ = host;
    const approve = () => host.decide({ interruptId, kind: "APPROVE", argumentsHash });
    const answers = await Promise.all([approve(), approve(), approve()]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(["RESOLVED"]));
    await expect(host.decide({ interruptId, kind: "REJECT", argumentsHash })).rejects.toMatchObject({ code: "DECISION_CONFLICT" });
    await host.until(run.id, "SUCCEEDED");
    expect(calls).toHaveLength(1);
  });

  it("is not there for anybody else", async () => {
    const { host, interruptId, argumentsHash } = await waiting();
    await using _ = host;
    const mallory = { ...alice, actorId: "mallory", name: "Mallory" };
    await expect(host.decide({ interruptId, kind: "APPROVE", argumentsHash }, mallory)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("counts as refused when nobody gives it in time", async () => {
    const { host, run, calls, interruptId, argumentsHash } = await waiting({ approvalTimeoutMs: 150 });
    await using _ = host;
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain("DENIED Nobody approved the call in time.");
    await expect(host.decide({ interruptId, kind: "APPROVE", argumentsHash })).rejects.toMatchObject({ code: "DECISION_CONFLICT" });
    expect(calls).toHaveLength(0);
  });
});

describe("a tool call", () => {
  it("gives the model an error for arguments that do not fit, a tool it has not, and a tool that throws or hangs", async () => {
    const cases = [
      {
        tool: countingTool({
          execute: () => {
            throw new Error("The loom jams.");
          },
        }).tool,
        args: {},
        says: "The loom jams.",
      },
      { tool: countingTool({ execute: () => new Promise(() => {}), timeoutMs: 50 }).tool, args: {}, says: "did not finish within PT0.05S" },
      { tool: countingTool({ name: "other.tool" }).tool, args: {}, says: 'There is no tool "loom.weave"' },
    ];
    for (const { tool, args, says } of cases) {
      await using host = await bootRuns({ turn: callOnce("loom.weave", args), tools: [tool] });
      const run = await host.start();
      expect((await host.until(run.id, "SUCCEEDED")).text).toContain(says);
      const ends = (await host.rows(run.streamNum)).filter(({ kind }) => kind === "tool.finished");
      expect(ends).toHaveLength(1);
    }
  });

  it("logs its start before it runs, and its end after", async () => {
    const seenAtStart: string[] = [];
    const { tool } = countingTool({
      execute: async () => {
        const rows = await host.platform.database.read.all<{ kind: string }>("select kind from runs_event where kind = 'tool.started'");
        seenAtStart.push(...rows.map(({ kind }) => kind));
        return "done";
      },
    });
    await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [tool] });
    const run = await host.start();
    await host.until(run.id, "SUCCEEDED");
    expect(seenAtStart).toEqual(["tool.started"]);
    const kinds = (await host.rows(run.streamNum)).map(({ kind }) => kind).filter((kind) => kind.startsWith("tool."));
    expect(kinds).toEqual(["tool.requested", "tool.arguments", "tool.arguments", "tool.started", "tool.finished"]);
  });
});
