import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import type { LoggedEvent } from "#weftline";
import { readEvents } from "../../src/core/runs/log.ts";
import { alice, bootRuns, callOnce, countingTool, say } from "./fixtures.ts";

const words = ["Over ", "and ", "under ", "the ", "warp."];
const text = words.join("");

/** A copy of a running host's data, as a killed process would leave it. */
function crashCopy(dataDir: string): string {
  const copy = mkdtempSync(join(tmpdir(), "weftline-crash-"));
  cpSync(dataDir, copy, { recursive: true, filter: (file) => !file.endsWith(".lock") && !file.endsWith(".pid") });
  return copy;
}

const kinds = (events: readonly { readonly kind: string }[]): string[] => events.map(({ kind }) => kind);

describe("I1: a state change is one transaction that checks the epoch", () => {
  it("refuses what a worker writes after another took its run over, and the other finishes it", async () => {
    let turns = 0;
    await using host = await bootRuns({ turn: () => say(words, turns++ === 0 ? 60 : 0) });
    const run = await host.start();
    const head = await firstDelta(host, run.streamNum);
    await host.platform.database.commit(({ sql }) =>
      sql.run("update runs_run set epoch = epoch + 1, lease_owner = 'other', lease_until = 0 where id = ?", run.id),
    );
    await new Promise((resolve) => setTimeout(resolve, 400));
    const rows = await host.rows(run.streamNum);
    expect(rows.at(-1)?.seq, "the fenced worker wrote on").toBeLessThanOrEqual(head + 1);
    expect((await host.find(run.id)).status).toBe("RUNNING");
    await host.engine.sweep();
    const done = await host.until(run.id, "SUCCEEDED");
    expect(done.text).toBe(text);
    expect(done.takeovers).toBe(1);
  });
});

async function firstDelta(host: Awaited<ReturnType<typeof bootRuns>>, streamNum: number): Promise<number> {
  for await (const event of await host.streams.follow({ streamNum, after: 0 })) if (event.kind === "message.delta") return event.seq;
  throw new Error("no delta came");
}

describe("I2: seq is dense and an event key is used once", () => {
  it("numbers the events of many runs in one thread without a gap", async () => {
    await using host = await bootRuns({ turn: () => say(words, 1) });
    const thread = await host.openThread();
    const runs = await Promise.all(Array.from({ length: 8 }, () => host.start({ thread })));
    const cancelled = runs[5];
    if (cancelled) await host.runs.cancel(host.platform.scope(alice), cancelled.id);
    await Promise.all(runs.map((run) => host.events(run)));
    const seqs = (await host.rows(thread.streamNum)).map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  });

  it("refuses a second event with the same key", async () => {
    await using host = await bootRuns({ turn: () => say(words) });
    const { streamNum } = await host.openThread();
    const append = () =>
      host.platform.database.write("SYSTEM", (tx) => host.streams.append(tx, streamNum, [{ kind: "custom", payload: {}, key: "once" }]));
    await append();
    await append();
    const run = await host.start();
    const insert = () =>
      host.platform.database.commit(({ sql }) =>
        sql.run(
          "insert into runs_event (stream_num, seq, run_seq, at, kind, payload, event_key) select stream_num, seq + 1000, run_seq, at, kind, payload, 'k' from runs_event where stream_num = ? and seq = 1",
          run.streamNum,
        ),
      );
    await host.events(run);
    await insert();
    await expect(
      host.platform.database.commit(({ sql }) =>
        sql.run(
          "insert into runs_event (stream_num, seq, run_seq, at, kind, payload, event_key) select stream_num, seq + 2000, run_seq, at, kind, payload, 'k' from runs_event where stream_num = ? and seq = 1",
          run.streamNum,
        ),
      ),
    ).rejects.toThrow(/unique/i);
  });
});

describe("I3: what is folded is what was logged, and the end is the end", () => {
  it("keeps in the message exactly what its deltas say", async () => {
    await using host = await bootRuns({ turn: () => say(words, 25) });
    const run = await host.start();
    const events = await host.events(run);
    const joined = events
      .flatMap(({ kind, payload }) => (kind === "message.delta" ? [(payload as [number, number, string])[2]] : []))
      .join("");
    expect(joined).toBe(text);
    expect((await host.find(run.id)).text).toBe(text);
  });

  it("leaves a finished run as it is, whoever cancels, rings or decides", async () => {
    await using host = await bootRuns({ turn: () => say(words) });
    const run = await host.start();
    await host.events(run);
    const before = await host.find(run.id);
    expect((await host.runs.cancel(host.platform.scope(alice), run.id)).status).toBe("SUCCEEDED");
    for (let times = 0; times < 5; times++) host.engine.ring(run.id);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect({ ...(await host.find(run.id)) }).toEqual({ ...before });
    expect(kinds(await host.rows(run.streamNum)).filter((kind) => /^run\.(finished|failed|cancelled)$/.test(kind))).toHaveLength(1);
  });
});

describe("I5: a side effect is never repeated in silence", () => {
  it("asks a person when a process was lost in the middle of a tool that is not idempotent", async () => {
    const { tool, calls } = countingTool({ execute: () => new Promise(() => {}) });
    await using lost = await bootRuns({ turn: callOnce("loom.weave", { pattern: "twill" }), tools: [tool] });
    const run = await lost.start();
    await waitForKind(lost, run.streamNum, "tool.started");
    const again = countingTool();
    await using host = await bootRuns({ turn: callOnce("loom.weave", { pattern: "twill" }), tools: [again.tool] }, crashCopy(lost.dataDir));
    await host.until(run.id, "WAITING");
    expect(again.calls).toHaveLength(0);
    const [asked] = await host.interrupts();
    expect(asked?.kind).toBe("UNCERTAIN");
    await host.decide({
      interruptId: asked?.id ?? "",
      kind: "ANSWER",
      payload: { woven: "by hand" },
      argumentsHash: asked?.arguments_hash ?? "",
    });
    expect((await host.until(run.id, "SUCCEEDED")).text).toContain("by hand");
    expect(again.calls).toHaveLength(0);
    expect(calls).toHaveLength(0);
  });

  it("makes an idempotent call again with the same key", async () => {
    const stuck = countingTool({
      idempotent: true,
      execute: (_: never, ctx) => (stuck.calls.push({ args: null, key: ctx.idempotencyKey }), new Promise(() => {})),
    });
    await using lost = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [stuck.tool] });
    const run = await lost.start();
    await waitForKind(lost, run.streamNum, "tool.started");
    const again = countingTool({ idempotent: true });
    await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [again.tool] }, crashCopy(lost.dataDir));
    await host.until(run.id, "SUCCEEDED");
    expect(again.calls.map(({ key }) => key)).toEqual(stuck.calls.map(({ key }) => key));
    const started = (await host.rows(run.streamNum))
      .filter(({ kind }) => kind === "tool.started")
      .map(({ payload }) => JSON.parse(payload).attempt as number);
    expect(started).toEqual([1, 2]);
  });
});

async function waitForKind(host: Awaited<ReturnType<typeof bootRuns>>, streamNum: number, kind: string): Promise<LoggedEvent> {
  for await (const event of await host.streams.follow({ streamNum, after: 0 })) if (event.kind === kind) return event;
  throw new Error(`${kind} did not come`);
}

describe("I6: anyone may ring and nobody trusts a ring", () => {
  it("runs a turn once, however often it is rung for", async () => {
    let turns = 0;
    await using host = await bootRuns({ turn: () => (turns++, say(words, 5)) });
    const run = await host.start();
    for (let times = 0; times < 200; times++) {
      host.engine.ring(run.id);
      host.engine.ring("no such run");
    }
    await host.events(run);
    expect(turns).toBe(1);
  });

  it("does not advance a run that waits for a person or behind another, whoever rings", async () => {
    let turns = 0;
    const weave = callOnce("loom.weave", {});
    await using host = await bootRuns({
      turn: (request, ctx) => (turns++, weave(request, ctx)),
      tools: [countingTool({ approval: "ALWAYS" }).tool],
    });
    const thread = await host.openThread();
    const [waits, queued] = [await host.start({ thread }), await host.start({ thread })];
    await host.until(waits.id, "WAITING");
    for (let times = 0; times < 20; times++) for (const { id } of [waits, queued]) host.engine.ring(id);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(turns).toBe(1);
    expect([(await host.find(waits.id)).status, (await host.find(queued.id)).status]).toEqual(["WAITING", "QUEUED"]);
  });

  it("finds by itself a run that nobody rang for", async () => {
    await using host = await bootRuns({ turn: () => say(words) });
    const run = await host.start();
    await host.events(run);
    const id = "orphan";
    await host.platform.database.commit(async ({ sql }) => {
      await sql.run("create temp table found as select * from runs_run where id = ?", run.id);
      await sql.run(
        `update found set id = ?, root_id = ?, seq = 9999, start_seq = 9999, status = 'QUEUED', due_at = ${sql.now}, epoch = 0,
         started_at = null, finished_at = null, text = null, output = null`,
        id,
        id,
      );
      await sql.run("insert into runs_run select * from found");
      await sql.run("drop table found");
    });
    expect((await host.until(id, "SUCCEEDED")).text).toBe(text);
  });
});

describe("I7: live events are a faster copy of the log", () => {
  it("sends a follower exactly what a reader finds later", async () => {
    await using host = await bootRuns({ turn: () => say(words, 10) });
    const run = await host.start();
    const live = await host.events(run);
    const stored = await readEvents(host.platform.database.read, run.streamNum, 0);
    expect(live).toEqual(stored);
  });
});

describe("I8: no worker's clock decides anything", () => {
  it("keeps deadlines by the store's clock when the process's own is two minutes wrong", async () => {
    const real = Date.now;
    try {
      Date.now = () => real() + 120_000;
      await using host = await bootRuns({ turn: () => say(words, 5) });
      const run = await host.start({ limits: { deadlineMs: 10_000 } });
      expect((await host.until(run.id, "SUCCEEDED")).text).toBe(text);
      Date.now = () => real() - 120_000;
      const late = await bootRuns({ turn: () => say(words, 400) });
      const expiring = await late.start({ limits: { deadlineMs: 300 } });
      expect((await late.until(expiring.id, "EXPIRED")).failure?.code).toBe("RUN_DEADLINE");
      await late.close();
    } finally {
      Date.now = real;
    }
  });
});

describe("I9: a signal is logged whenever it comes", () => {
  it("keeps a decision that comes before the run has come to wait", async () => {
    const { tool, calls } = countingTool({ approval: "ALWAYS" });
    const slow = countingTool({ name: "loom.rest", execute: () => new Promise((resolve) => setTimeout(resolve, 250, "rested")) });
    await using host = await bootRuns({
      turn: async function* (request, ctx) {
        const last = request.messages.at(-1);
        if (last?.role !== "ASSISTANT") {
          yield { kind: "message.started", message: "ask" };
          ctx.toolRequested({ callId: "a", name: "loom.weave", message: "ask", part: 0 });
          ctx.toolRequested({ callId: "b", name: "loom.rest", message: "ask", part: 1 });
          yield { kind: "message.finished", message: "ask", status: "COMPLETE" };
        }
        await ctx.callTools([
          { callId: "a", name: "loom.weave", arguments: {} },
          { callId: "b", name: "loom.rest", arguments: {} },
        ]);
        yield* say(["Woven."], 0, "2");
      },
      tools: [tool, slow.tool],
    });
    const run = await host.start();
    await waitForKind(host, run.streamNum, "interrupt.raised");
    const [asked] = await host.interrupts();
    expect((await host.find(run.id)).status, "the other call holds the run at work").toBe("RUNNING");
    await host.decide({ interruptId: asked?.id ?? "", kind: "APPROVE", argumentsHash: asked?.arguments_hash ?? "" });
    expect((await host.until(run.id, "SUCCEEDED")).text).toBe("Woven.");
    expect(calls).toHaveLength(1);
  });
});

describe("I10: a run that takes its process down is given up, and others go on", () => {
  it("fails a run after five lost processes", async () => {
    await using host = await bootRuns({ turn: () => say(words, 200) });
    const poisoned = await host.start();
    await firstDelta(host, poisoned.streamNum);
    await host.platform.database.commit(({ sql }) =>
      sql.run("update runs_run set takeovers = 5, epoch = epoch + 1, lease_owner = 'lost', lease_until = 0 where id = ?", poisoned.id),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
    await host.engine.sweep();
    expect((await host.until(poisoned.id, "FAILED")).failure?.code).toBe("RUN_POISONED");
    const other = await host.start();
    expect((await host.until(other.id, "SUCCEEDED")).text).toBe(text);
  });

  it("has those that may be to blame begin one after the other, so that the others are not given up with it", async () => {
    let turns = 0;
    let atWork = 0;
    let most = 0;
    const lost = 4;
    await using host = await bootRuns({
      turn: async function* () {
        const isAgain = ++turns > lost;
        if (isAgain) most = Math.max(most, ++atWork);
        yield* say(words, isAgain ? 10 : 100);
        if (isAgain) atWork--;
      },
    });
    const runs = await Promise.all(Array.from({ length: lost }, () => host.start()));
    for (const { streamNum } of runs) await firstDelta(host, streamNum);
    await host.platform.database.commit(async ({ sql }) => {
      for (const { id } of runs)
        await sql.run("update runs_run set takeovers = 2, epoch = epoch + 1, lease_owner = 'lost', lease_until = 0 where id = ?", id);
    });
    const other = await host.start();
    for (const { id } of [...runs, other]) await host.until(id, "SUCCEEDED");
    expect(await Promise.all(runs.map(async ({ id }) => (await host.find(id)).takeovers))).toEqual(runs.map(() => 3));
    // One of them, and the one beside it that was never lost.
    expect(most).toBeLessThanOrEqual(2);
  });

  it("counts the losses in a row: a turn that comes to a wait took nobody down", async () => {
    const { tool } = countingTool({ approval: "ALWAYS" });
    await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [tool] });
    const run = await host.start();
    await host.until(run.id, "WAITING");
    const [asked] = await host.interrupts();
    const lost = "takeovers = 4, epoch = epoch + 1, lease_owner = 'lost', lease_until = 0, due_at = 0";
    await host.platform.database.commit(({ sql }) => sql.run(`update runs_run set ${lost} where id = ?`, run.id));
    await host.engine.sweep();
    await vi.waitFor(async () => expect(await host.find(run.id)).toMatchObject({ status: "WAITING", leaseOwner: null, takeovers: 0 }));
    await host.decide({ interruptId: asked?.id ?? "", kind: "APPROVE", argumentsHash: asked?.arguments_hash ?? "" });
    await host.until(run.id, "SUCCEEDED");
  });
});
