import { expect, it } from "vitest";
import { freeStranded } from "../../src/core/runs/housekeeping.ts";
import { bootRuns, callOnce, countingTool, say } from "./fixtures.ts";

/** A row as an old fault or a repaired file may have left it: its text is not JSON. */
const spoil = (column: string, table: string) => `update ${table} set ${column} = '{' where id = ?`;

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
  await freeStranded({ database, ring });
  // Not past those that its thread still has before it.
  expect((await host.find(third.id)).blockedById).toBe(second.id);
  gate.resolve();
  await host.until(third.id, "SUCCEEDED");
  expect((await host.find(first.id)).status).toBe("SUCCEEDED");
});
