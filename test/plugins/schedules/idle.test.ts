import { expect, it, vi } from "vitest";
import { made, schedulesPlatform, verbs, yearly } from "./fixture.ts";

it("10,000 idle schedules cost one look at the index of what is due, each time that it is polled", async () => {
  await using app = await schedulesPlatform({}, { pollMs: 100 });
  const { database } = app.platform;
  const { id } = made(await verbs(app).create(yearly));
  const local = Buffer.from(id, "base64url").toString().replace("Schedule:", "");
  await database.commit(({ sql }) =>
    sql.run(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < 9999)
       insert into schedules_schedule select id || '-' || i, tenant_id, owner_id, name || i, target_type, target_field, target_id, input, text, thread_id,
         limits, cron, time_zone, missed_ticks, overlap, enabled, reason, next_at + i * 60000, last_tick_at, last_run_id, created_at, updated_at
       from schedules_schedule, n where id = ?`,
      local,
    ),
  );
  const clock = vi.spyOn(database, "now");
  const reads = vi.spyOn(database.read, "all");
  await vi.waitFor(() => expect(clock.mock.calls.length).toBeGreaterThanOrEqual(6), { timeout: 20_000 });
  const seen = [...reads.mock.calls];
  vi.restoreAllMocks();
  const looks = seen.filter(([sql]) => sql.includes("schedules_schedule"));
  expect(looks.length).toBeGreaterThanOrEqual(4);
  // Two a poll: what is due, and what is next; each found by the index, without sorting.
  expect(looks.length).toBeLessThanOrEqual(clock.mock.calls.length + 6);
  for (const [sql, ...params] of looks.slice(0, 2)) {
    const plan = await database.read.all<{ detail: string }>(`explain query plan ${sql}`, ...params);
    expect(plan.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^SEARCH e USING INDEX schedules_schedule_due_index \(.*next_at/),
    ]);
  }
});
