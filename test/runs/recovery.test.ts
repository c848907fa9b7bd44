import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { WeftlineError, type LoggedEvent, type RunEventBody } from "#weftline";
import { alice, bootRuns, callOnce, countingTool, say, type Turn } from "./fixtures.ts";

type Host = Awaited<ReturnType<typeof bootRuns>>;

/** A copy of a running host's data, as a killed process would leave it. */
function crashCopy({ dataDir }: Host): string {
  const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
  cpSync(dataDir, copy, { recursive: true, filter: (file) => !file.endsWith(".lock") && !file.endsWith(".pid") });
  return copy;
}

async function seen(host: Host, streamNum: number, kind: string, times = 1): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  for await (const event of await host.streams.follow({ streamNum, after: 0 })) {
    events.push(event);
    if (events.filter((each) => each.kind === kind).length === times) return events;
  }
  return events;
}

describe("a run whose process was lost", () => {
  it("goes on as a new message that supersedes the broken one, whose text is kept", async () => {
    await using lost = await bootRuns({ turn: () => say(["One ", "two ", "three ", "four ", "five"], 40) });
    const run = await lost.start();
    const before = await seen(lost, run.streamNum, "message.delta", 2);
    await using host = await bootRuns({ turn: () => say(["Anew"]) }, crashCopy(lost));
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("Anew");

    const rest = await host.events(run, before.at(-1)?.seq ?? 0);
    expect(rest[0]?.seq, "a subscriber resumes without a gap").toBe((before.at(-1)?.seq ?? 0) + 1);
    const finished = rest.flatMap(({ kind, payload }) =>
      kind === "message.finished" ? [payload as { m: number; status: string; supersededBy?: string; text: string }] : [],
    );
    expect(finished).toMatchObject([
      { m: 1, status: "FAILED", supersededBy: `${run.id}.2` },
      { m: 2, status: "COMPLETE", text: "Anew" },
    ]);
    expect(finished[0]?.text.startsWith("One two ")).toBe(true);
    expect((await host.find(run.id)).takeovers).toBe(1);
  });

  it("fails with PROCESS_LOST and its text kept where the framework cannot go on", async () => {
    await using lost = await bootRuns({ turn: () => say(["One ", "two ", "three"], 60), resume: "no" });
    const run = await lost.start();
    await seen(lost, run.streamNum, "message.delta");
    await using host = await bootRuns({ turn: () => say(["never"]), resume: "no" }, crashCopy(lost));
    const failed = await host.until(run.id, "FAILED");
    expect(failed.failure).toMatchObject({ code: "PROCESS_LOST", retryable: true });
    const rows = await host.rows(run.streamNum);
    const finished = rows
      .filter(({ kind }) => kind === "message.finished")
      .map(({ payload }) => JSON.parse(payload) as { status: string; text: string });
    expect(finished).toMatchObject([{ status: "FAILED" }]);
    expect(finished[0]?.text.startsWith("One ")).toBe(true);
    expect(rows.at(-1)?.kind).toBe("run.failed");
  });

  it("ends the call of a complete answer that its framework asks for again, as it does from a checkpoint before it", async () => {
    const lostTurn: Turn = async function* (_, { toolRequested, toolArguments, drain }) {
      yield { kind: "message.started", message: "ask" };
      toolRequested({ callId: "first", name: "loom.weave", message: "ask", part: 0 });
      toolArguments("first", "{}");
      yield { kind: "message.finished", message: "ask", status: "COMPLETE" };
      yield* untilAborted(drain);
    };
    await using lost = await bootRuns({ turn: lostTurn, tools: [countingTool().tool] });
    const run = await lost.start();
    await seen(lost, run.streamNum, "message.finished");
    const { tool, calls } = countingTool();
    const asksAgain: Turn = async function* (_, ctx) {
      await ctx.callTools([{ callId: "again", name: "loom.weave", arguments: {} }]);
      yield* say(["Woven."]);
    };
    await using host = await bootRuns({ turn: asksAgain, tools: [tool] }, crashCopy(lost));
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("Woven.");
    expect(calls).toHaveLength(1);
    const finished = (await host.events(run)).flatMap(({ kind, payload }) => (kind === "tool.finished" ? [payload] : []));
    expect(finished).toMatchObject([
      { c: 2, status: "SUCCESS" },
      { c: 1, status: "CANCELLED" },
    ]);
  });

  it("ends such a call also where an attempt failed and the next one asks again", async () => {
    let attempts = 0;
    const turn: Turn = async function* (_, { toolRequested, toolArguments }) {
      if (++attempts > 1) return yield* say(["Done."]);
      yield { kind: "message.started", message: "ask" };
      toolRequested({ callId: "first", name: "loom.weave", message: "ask", part: 0 });
      toolArguments("first", "{}");
      yield { kind: "message.finished", message: "ask", status: "COMPLETE" };
      throw new WeftlineError("PROVIDER_FAILED", { provider: "scripted", status: 503, retryAfterMs: 1 });
    };
    await using host = await bootRuns({ turn, tools: [countingTool().tool] });
    const run = await host.start();
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("Done.");
  });

  it("still waits for its approval after the restart, and runs the tool once", async () => {
    const { tool } = countingTool({ approval: "ALWAYS" });
    await using lost = await bootRuns({ turn: callOnce("loom.weave", { rows: 2 }), tools: [tool] });
    const run = await lost.start();
    await lost.until(run.id, "WAITING");
    const again = countingTool({ approval: "ALWAYS" });
    await using host = await bootRuns({ turn: callOnce("loom.weave", { rows: 2 }), tools: [again.tool] }, crashCopy(lost));
    expect((await host.find(run.id)).status).toBe("WAITING");
    const [asked] = await host.interrupts();
    await host.decide({ interruptId: asked?.id ?? "", kind: "APPROVE", argumentsHash: asked?.arguments_hash ?? "" });
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain("woven");
    expect(again.calls).toHaveLength(1);
  });

  it("is left to the next process when this one closes, without counting as lost", async () => {
    const first = await bootRuns({ turn: (_, { signal }) => untilAborted(signal) });
    const run = await first.start();
    await first.until(run.id, "RUNNING");
    await first.engine.stop(0);
    const left = await first.find(run.id);
    expect(left).toMatchObject({ status: "RUNNING", leaseOwner: null, takeovers: 0 });
    await using host = await bootRuns({ turn: () => say(["Later"]) }, crashCopy(first));
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("Later");
    await first.close();
  });

  it("ends its turn at a boundary when this one closes, and what it said then is kept", async () => {
    const first = await bootRuns({
      turn: async function* (_, { drain }) {
        yield* say(["Half"], 0, "1");
        await new Promise((resolve) => drain.addEventListener("abort", resolve, { once: true }));
        yield { kind: "custom", name: "scripted.boundary" };
        throw drain.reason;
      },
    });
    const run = await first.start();
    await seen(first, run.streamNum, "message.finished");
    await first.engine.stop(60_000);
    expect(await first.find(run.id)).toMatchObject({ status: "RUNNING", leaseOwner: null, takeovers: 0 });
    await using host = await bootRuns({ turn: ({ messages }) => say([JSON.stringify(messages.at(-1))], 0, "2") }, crashCopy(first));
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain("Half");
    expect((await host.events(run)).map(({ kind }) => kind)).toContain("custom");
    await first.close();
  });

  it("is not tried again by a process that closes, but by the next one", async () => {
    let turns = 0;
    const first = await bootRuns({
      turn: async function* (_, { drain }) {
        turns++;
        yield { kind: "message.started", message: "1" };
        await new Promise((resolve) => drain.addEventListener("abort", resolve, { once: true }));
        throw new WeftlineError("STREAM_TRUNCATED", { provider: "local" });
      },
    });
    const run = await first.start();
    await seen(first, run.streamNum, "message.started");
    await first.engine.stop(60_000);
    expect([turns, await first.find(run.id)]).toMatchObject([1, { status: "RUNNING", leaseOwner: null }]);
    await using host = await bootRuns({ turn: () => say(["Whole"]) }, crashCopy(first));
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("Whole");
    await first.close();
  });
});

async function* untilAborted(signal: AbortSignal): AsyncGenerator<RunEventBody> {
  yield { kind: "message.started", message: "1" };
  await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
}

describe("a model call that fails", () => {
  it("is tried again as a new message that supersedes the broken one", async () => {
    let turns = 0;
    await using host = await bootRuns({
      turn: async function* () {
        if (turns++ > 0) return yield* say(["Whole"]);
        yield { kind: "message.started", message: "1" };
        yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "Half" };
        throw new WeftlineError("STREAM_TRUNCATED", { provider: "local" });
      },
    });
    const run = await host.start();
    const events = await host.events(run);
    const finished = events.flatMap(({ kind, payload }) => (kind === "message.finished" ? [payload] : []));
    expect(finished).toMatchObject([
      { status: "FAILED", text: "Half", supersededBy: `${run.id}.2` },
      { status: "COMPLETE", text: "Whole" },
    ]);
  });

  it("goes on from what the turn had done already, and runs no tool twice", async () => {
    const { tool, calls } = countingTool();
    let turns = 0;
    await using host = await bootRuns({
      turn: async function* (request, ctx) {
        if (turns++ > 0) return yield* say([`knows ${JSON.stringify(request.messages.at(-1))}`], 0, "2");
        yield* callOnce("loom.weave", {})(request, { ...ctx, callTools: ctx.callTools });
        throw new WeftlineError("PROVIDER_FAILED", { provider: "local", status: 500, problem: "no" });
      },
      tools: [tool],
    });
    const run = await host.start();
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain("It says");
    expect(calls).toHaveLength(1);
  });

  it("ends the run with the provider's reason when it is not worth another try", async () => {
    let turns = 0;
    await using host = await bootRuns({
      // eslint-disable-next-line require-yield -- the turn fails before it says anything
      turn: async function* () {
        turns++;
        throw new WeftlineError("PROVIDER_AUTH", { provider: "local", status: 401, retryable: false, plugin: "scripted" });
      },
    });
    const run = await host.start();
    const failed = await host.until(run.id, "FAILED");
    expect(failed.failure).toMatchObject({ code: "PROVIDER_AUTH", retryable: false, plugin: "scripted" });
    expect(turns).toBe(1);
  });

  it("does not show what a bug in a framework says", async () => {
    await using host = await bootRuns({
      // eslint-disable-next-line require-yield -- the turn fails before it says anything
      turn: async function* () {
        throw new Error("password=hunter2");
      },
    });
    const run = await host.start();
    const failed = await host.until(run.id, "FAILED");
    expect(failed.failure).toMatchObject({ code: "INTERNAL" });
    expect(JSON.stringify(await host.rows(run.streamNum))).not.toContain("hunter2");
  });

  it("fails a framework that breaks the protocol, and closes what it left open", async () => {
    await using host = await bootRuns({
      turn: async function* () {
        yield { kind: "message.started", message: "1" };
        yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "Half" };
      },
    });
    const run = await host.start();
    expect((await host.until(run.id, "FAILED")).failure?.code).toBe("PROTOCOL_VIOLATION");
    const kinds = (await host.rows(run.streamNum)).map(({ kind }) => kind);
    expect(kinds.slice(-2)).toEqual(["message.finished", "run.failed"]);
  });
});

describe("cancelling", () => {
  it("ends a run at work, also one that never listens", async () => {
    await using host = await bootRuns({
      turn: async function* () {
        yield { kind: "message.started", message: "1" };
        yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "On and " };
        await new Promise(() => undefined);
        yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "on" };
      },
    });
    const run = await host.start();
    await seen(host, run.streamNum, "message.delta");
    expect((await host.runs.cancel(host.platform.scope(alice), run.id, "Enough.")).status).toBe("CANCELLING");
    await host.until(run.id, "CANCELLED");
    const rows = await host.rows(run.streamNum);
    expect(rows.map(({ kind }) => kind).slice(-3)).toEqual(["run.cancelling", "message.finished", "run.cancelled"]);
    expect(JSON.parse(rows.at(-1)?.payload ?? "{}")).toMatchObject({ reason: "Enough." });
  });

  it("ends a run that waits for a person, and its interrupt with it", async () => {
    const { tool, calls } = countingTool({ approval: "ALWAYS" });
    await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [tool] });
    const run = await host.start();
    await host.until(run.id, "WAITING");
    const [asked] = await host.interrupts();
    await host.runs.cancel(host.platform.scope(alice), run.id);
    await host.until(run.id, "CANCELLED");
    expect((await host.interrupts())[0]?.status).toBe("CANCELLED");
    await expect(
      host.decide({ interruptId: asked?.id ?? "", kind: "APPROVE", argumentsHash: asked?.arguments_hash ?? "" }),
    ).rejects.toMatchObject({
      code: "DECISION_CONFLICT",
    });
    expect(calls).toHaveLength(0);
  });

  it("ends a run that was not begun at once", async () => {
    await using host = await bootRuns({ turn: () => say(["slow", "ly"], 100) });
    const thread = await host.openThread();
    const [, queued] = [await host.start({ thread }), await host.start({ thread })];
    expect((await host.runs.cancel(host.platform.scope(alice), queued.id)).status).toBe("CANCELLED");
  });
});
