import { expect, it } from "vitest";
import type { Logger } from "#weftline";
import { compact } from "../../src/core/runs/compaction.ts";
import { freeStranded } from "../../src/core/runs/housekeeping.ts";
import { SetAside } from "../../src/core/runs/set-aside.ts";
import { alice, bootRuns, callOnce, countingTool, say } from "./fixtures.ts";

/** A row as an old fault or a repaired file may have left it: its text is not JSON. */
const spoil = (column: string, table: string) => `update ${table} set ${column} = '{' where id = ?`;

/** A row that refuses to be changed, as of a damaged table. */
const refuse = (table: string, condition: string, column = "") =>
  `create trigger refuse_${table} before update ${column && `of ${column}`} on ${table} when ${condition} begin select raise(abort, 'damaged'); end`;

function recording(): { readonly logged: unknown[]; readonly log: Logger } {
  const logged: unknown[] = [];
  return { logged, log: { error: ({ id }: { readonly id: unknown }) => void logged.push(id) } as unknown as Logger };
}

it("a run whose row cannot be read is failed, and those that are claimed with it go on", async () => {
  const gate = Promise.withResolvers<void>();
  await using host = await bootRuns({
    turn: async function* () {
      await gate.promise;
      yield* say(["a"]);
    },
  });
  const threads = [await host.openThread(), await host.openThread(), await host.openThread()];
  const first = await Promise.all(threads.map((thread) => host.start({ thread })));
  const second = await Promise.all(threads.map((thread) => host.start({ thread })));
  const bad = second[1]?.id ?? "";
  await host.platform.database.commit(({ sql }) => sql.run(spoil("settings", "runs_run"), bad));
  gate.resolve();
  for (const run of [...first, second[0], second[2]]) await host.until(run?.id ?? "", "SUCCEEDED");
  const status = () => host.platform.database.read.get("select status, lease_owner from runs_run where id = ?", bad);
  await expect.poll(status).toEqual({ status: "FAILED", lease_owner: null });
});

it("a question that cannot be ended holds up no other that has expired", async () => {
  await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [countingTool({ approval: "ALWAYS" }).tool] });
  const runs = [await host.start(), await host.start(), await host.start()];
  for (const run of runs) await host.until(run.id, "WAITING");
  const [bad, ...others] = (await host.interrupts()).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { database } = host.platform;
  // Its stream is gone, so nothing can be appended for it.
  const broken = "update runs_stream set deleted = 1 where num = (select stream_num from runs_run where id = ?)";
  await database.commit(({ sql }) => sql.run(broken, bad?.run_id ?? ""));
  await database.commit(({ sql }) => sql.run("update runs_interrupt set expires_at = 1"));
  const left = () => database.read.all<{ id: string }>("select id from runs_interrupt where status = 'PENDING'");
  await expect.poll(left).toEqual([{ id: bad?.id }]);
  for (const { run_id: id } of others) await host.until(id, "SUCCEEDED");
});

it("a run that waits for one that is no longer there is let go", async () => {
  const gate = Promise.withResolvers<void>();
  await using host = await bootRuns({
    turn: async function* () {
      await gate.promise;
      yield* say(["a"]);
    },
  });
  const thread = await host.openThread();
  const [first, second, third] = [await host.start({ thread }), await host.start({ thread }), await host.start({ thread })];
  const { database } = host.platform;
  const wait = "update runs_run set blocked_by_id = ? where id = ?";
  await database.commit(({ sql }) => sql.run(wait, "gone", third.id));
  const ring = (id: string): void => host.engine.ring(id);
  await freeStranded({ database, ring }, new SetAside(recording().log, "run"));
  // Not past those that its thread still has before it.
  expect((await host.find(third.id)).blockedById).toBe(second.id);
  gate.resolve();
  await host.until(third.id, "SUCCEEDED");
  expect((await host.find(first.id)).status).toBe("SUCCEEDED");
});

it("a stream that cannot be compacted keeps no other from it, and is logged once", async () => {
  await using host = await bootRuns({ turn: () => say(["Hi ", "there"]) });
  const runs = [await host.start(), await host.start(), await host.start()];
  for (const { id } of runs) await host.until(id, "SUCCEEDED");
  const { database } = host.platform;
  const [bad, ...others] = runs.map(({ streamNum }) => streamNum);
  await database.commit(({ sql }) => sql.run(refuse("runs_stream", `new.num = ${bad}`)));
  const { log, logged } = recording();
  const broken = new SetAside(log, "stream");
  await compact(database, -1_000, { broken });
  await compact(database, -1_000, { broken });
  const deltas = async (num = 0) => (await host.rows(num)).filter(({ kind }) => kind === "message.delta").length;
  for (const num of others) expect(await deltas(num)).toBe(0);
  expect(await deltas(bad)).toBeGreaterThan(0);
  expect(logged).toEqual([bad]);
});

it("a run past its deadline that cannot be ended holds up no other", async () => {
  await using host = await bootRuns({ turn: callOnce("loom.weave", {}), tools: [countingTool({ approval: "ALWAYS" }).tool] });
  const runs = [await host.start(), await host.start(), await host.start()];
  for (const run of runs) await host.until(run.id, "WAITING");
  const [bad, ...others] = runs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const { database } = host.platform;
  await database.commit(async ({ sql }) => {
    await sql.run(refuse("runs_run", `new.id = '${bad?.id}' and new.due_at is not null`));
    await sql.run("update runs_run set deadline_at = 1");
  });
  for (const { id } of others) await host.until(id, "EXPIRED");
  expect((await host.find(bad?.id ?? "")).status).toBe("WAITING");
});

it("a run that cannot be claimed takes no other with it", async () => {
  const gate = Promise.withResolvers<void>();
  await using host = await bootRuns({
    turn: async function* () {
      await gate.promise;
      yield* say(["a"]);
    },
  });
  const threads = [await host.openThread(), await host.openThread(), await host.openThread()];
  for (const thread of threads) await host.start({ thread });
  const second = await Promise.all(threads.map((thread) => host.start({ thread })));
  const bad = second[0]?.id ?? "";
  await host.platform.database.commit(({ sql }) => sql.run(refuse("runs_run", `new.id = '${bad}'`, "epoch")));
  gate.resolve();
  for (const { id } of second.slice(1)) await host.until(id, "SUCCEEDED");
  expect((await host.find(bad)).status).toBe("QUEUED");
});

it("a row of the log that is no JSON takes only itself from those who follow, and its run still ends", async () => {
  await using host = await bootRuns({ turn: (_, ctx) => say(["Hi ", "there"], 0, ctx.runId) });
  const thread = await host.openThread();
  const first = await host.start({ thread });
  await host.until(first.id, "SUCCEEDED");
  const { database } = host.platform;
  const before = await host.rows(thread.streamNum);
  const spoilt = before.filter(({ kind }) => ["message.delta", "step.started", "usage.recorded"].includes(kind)).map(({ seq }) => seq);
  expect(spoilt.length).toBeGreaterThan(2);
  await database.commit(async ({ sql }) => {
    for (const [at, seq] of spoilt.entries())
      await sql.run(
        "update runs_event set payload = ? where stream_num = ? and seq = ?",
        ["{", "null", "7"][at % 3] ?? "",
        thread.streamNum,
        seq,
      );
  });
  const seen = await host.events(first);
  expect(seen.map(({ seq }) => seq)).toEqual(before.map(({ seq }) => seq));
  expect(seen.filter(({ kind }) => kind === "log.unreadable").map(({ seq }) => seq)).toEqual(spoilt);
  const next = await host.start({ thread });
  await host.until(next.id, "SUCCEEDED");
});

it("a run at work whose log cannot be read is ended after a restart, and a message that is no JSON takes only itself from a snapshot", async () => {
  const gate = Promise.withResolvers<void>();
  await using host = await bootRuns({
    turn: async function* () {
      yield* say(["a"]);
      await gate.promise;
    },
  });
  const thread = await host.openThread();
  const run = await host.start({ thread });
  await expect.poll(async () => (await host.rows(thread.streamNum)).some(({ kind }) => kind === "step.finished")).toBe(true);
  const { database } = host.platform;
  await database.commit(async ({ sql }) => {
    await sql.run("update runs_event set payload = '{' where stream_num = ?", thread.streamNum);
    await sql.run("update runs_message set parts = '{' where stream_num = ?", thread.streamNum);
    // As a process that was lost leaves it.
    await sql.run("update runs_run set epoch = epoch + 1, lease_owner = 'lost', lease_until = 0 where id = ?", run.id);
  });
  await host.engine.sweep();
  gate.resolve();
  expect((await host.until(run.id, "FAILED")).ownerId).toBe(alice.actorId);
  const stream = await host.streams.follow({ streamNum: thread.streamNum, after: null });
  const { value } = await stream.next();
  expect(value).toMatchObject({ kind: "snapshot", payload: { messages: [{ parts: "{" }] } });
  await stream.return?.();
});
