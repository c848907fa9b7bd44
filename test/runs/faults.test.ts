import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { createPlatform } from "../../src/core/platform.ts";
import { event } from "../../src/core/runs/events.ts";
import { faultInjections } from "../../src/core/runs/failpoint.ts";
import { StepRows } from "../../src/core/runs/step-rows.ts";
import { project } from "../../src/core/runs/projection.ts";
import { projectedRun } from "../../src/core/runs/projector.ts";
import { Wakes } from "../../src/core/runs/wakes.ts";
import { alice, bootRuns, callOnce, castPlugin, countingTool, runsHarness, say, type Cast } from "./fixtures.ts";

/** A host whose leases lapse soon. */
async function bootHasty(cast: Cast) {
  const dataDir = mkdtempSync(join(tmpdir(), "weftline-runs-"));
  const hasty = definePlugin({
    id: "hasty",
    contributes: [contribution(faultInjections, "suite", { failpoint: () => undefined, engine: { leaseMs: 300, sweepMs: 100 } })],
  });
  return runsHarness(await createPlatform({ plugins: [castPlugin(cast)(), hasty()], dataDir, logLevel: "silent" }), dataDir);
}

describe("a run whose turn breaks off without an end", () => {
  it("is taken over, also while its process keeps other runs", async () => {
    const { tool } = countingTool({ approval: "ALWAYS" });
    const long = Array.from({ length: 200 }, (_, n) => `word ${n} `);
    const cast: Cast = { turn: callOnce("loom.weave", {}), tools: [tool] };
    await using host = await bootHasty(cast);
    const run = await host.start();
    await host.until(run.id, "WAITING");
    cast.turn = () => say(long, 20);
    const other = await host.start();
    await host.until(other.id, "RUNNING");

    cast.turn = callOnce("loom.weave", {});
    const { database } = host.platform;
    const spoil = (payload: string): Promise<number> =>
      database.commit(({ sql }) =>
        sql.run("update runs_event set payload = ? where stream_num = ? and kind = 'run.started'", payload, run.streamNum),
      );
    await spoil("{");
    const [asked] = await host.interrupts();
    await host.decide({ interruptId: asked?.id ?? "", kind: "APPROVE", argumentsHash: asked?.arguments_hash ?? "" });
    await new Promise((resolve) => setTimeout(resolve, 150));
    await spoil("{}");
    await host.until(run.id, "SUCCEEDED");
    expect((await host.find(other.id)).status, "the other one held the process's leases all the time").toBe("RUNNING");
    await host.runs.cancel(host.platform.scope(alice), other.id);
  });
});

describe("an adapter that says what no log can carry", () => {
  it("fails its run at once, with what it began brought to an end", async () => {
    await using host = await bootRuns({
      turn: async function* () {
        yield { kind: "message.started", message: "1" };
        yield { kind: "message.delta", message: "1", part: 0, channel: "TEXT", text: "So far" };
        await new Promise((resolve) => setTimeout(resolve, 100));
        yield { kind: "custom", name: "oddity", data: { ratio: Number.NaN } };
        yield { kind: "message.finished", message: "1", status: "COMPLETE" };
      },
    });
    const run = await host.start();
    const failed = await host.until(run.id, "FAILED");
    expect(failed.failure).toMatchObject({ code: "PROTOCOL_VIOLATION" });
    const rows = await host.rows(run.streamNum);
    expect(rows.slice(-2).map(({ kind }) => kind)).toEqual(["message.finished", "run.failed"]);
    expect(JSON.parse(rows.at(-2)?.payload ?? "")).toMatchObject({ m: 1, status: "FAILED", text: "So far" });
  });
});

const collected = () => ({ wakes: new Wakes(), steps: new StepRows() });

describe("a cancel that comes while a turn begins", () => {
  it("is not forgotten by what the turn had under way", async () => {
    await using host = await bootRuns({ turn: () => say(["slowly"], 400) });
    const run = await host.start();
    await host.until(run.id, "RUNNING");
    const status = await host.platform.database.commit(async ({ sql }) => {
      await sql.run("update runs_run set status = 'CANCELLING' where id = ?", run.id);
      const began = event("run.resumed", {});
      await project(sql, projectedRun(run), [{ seq: run.seq, at: 0, ...began }], [began], collected());
      return sql.get<{ status: string }>("select status from runs_run where id = ?", run.id);
    });
    expect(status).toEqual({ status: "CANCELLING" });
  });
});

describe("a decision that comes while its run ends", () => {
  it("stands: what ends the run does not resolve it anew", async () => {
    const { tool } = countingTool({ approval: "ALWAYS" });
    await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [tool] });
    const run = await host.start();
    await host.until(run.id, "WAITING");
    const [asked] = await host.interrupts();
    const interrupt = asked?.id ?? "";
    await host.platform.database.commit(async ({ sql }) => {
      for (const status of ["RESOLVED", "CANCELLED"] as const) {
        const resolved = event("interrupt.resolved", { interrupt, status });
        await project(sql, projectedRun(run), [{ seq: run.seq, at: 0, ...resolved }], [resolved], collected());
      }
    });
    expect((await host.interrupts())[0]?.status).toBe("RESOLVED");
    await host.runs.cancel(host.platform.scope(alice), run.id);
  });
});

describe("a run that was lost after its answer and before its end", () => {
  it("keeps the answer as its text when the framework has nothing to add", async () => {
    let lastly: string | undefined;
    const words = ["All ", "said."];
    await using lost = await bootRuns({
      turn: async function* () {
        yield* say(words);
        await new Promise((resolve) => setTimeout(resolve, 500));
      },
    });
    const run = await lost.start();
    for await (const { kind } of await lost.streams.follow({ streamNum: run.streamNum, after: 0 })) if (kind === "message.finished") break;
    const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
    cpSync(lost.dataDir, copy, { recursive: true, filter: (file) => !file.endsWith(".lock") && !file.endsWith(".pid") });
    await using host = await bootRuns(
      {
        // eslint-disable-next-line require-yield -- it has said all
        turn: async function* ({ messages }, { runId }) {
          const last = messages.at(-1);
          lastly = last?.role === "ASSISTANT" && last.runId === runId ? last.text : undefined;
        },
      },
      copy,
    );
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("All said.");
    expect(lastly).toBe("All said.");
  });
});
