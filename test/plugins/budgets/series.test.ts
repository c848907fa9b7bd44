import { describe, expect, it } from "vitest";
import type { Viewer } from "#weftline";
import { sumRuns } from "../../../src/core/runs/metering/run-sums.ts";
import { localId } from "./desk.ts";
import { ada, agent, bob, play, root, start, stranger, usageFields, world, type World } from "./world.ts";

const hour = 3_600_000;
const day = 24 * hour;
const iso = (at: number): string => new Date(at).toISOString();

async function series({ app }: World, args: string, viewer: Viewer = ada): Promise<readonly Record<string, unknown>[]> {
  const query = `{ runSeries(${args}) { from runs succeeded failed p50Ms p95Ms usage ${usageFields} } }`;
  return (await app.graphql<{ runSeries: Record<string, unknown>[] }>(query, {}, viewer)).runSeries;
}

/** Runs that were asked for at different times of some days, and took differently long; some failed, some never began, one is open. */
async function history(here: World, agentId: string): Promise<void> {
  await play(here, { target: { agent: { name: "Mole" } } });
  const { database } = here.app.platform;
  const columns = (await database.read.all<{ name: string }>("select name from pragma_table_info('runs_run')")).map(({ name }) => name);
  let at = 0;
  await database.commit(async ({ sql }) => {
    for (const [owner, target] of [
      ["ada", agentId],
      ["ada", "other"],
      ["bob", agentId],
    ] as const) {
      for (let n = 0; n < 40; n++, at++) {
        const created = Math.floor(Date.now() / hour) * hour - (n % 30) * 2.5 * hour - n * 1_000;
        const took = Math.floor(1.5 ** (n % 20)) + n;
        const values: Record<string, string> = {
          id: `'0000-${String(at).padStart(4, "0")}'`,
          root_id: `'0000-${at}'`,
          owner_id: `'${owner}'`,
          target_id: `'${target}'`,
          start_seq: String(-1 - at),
          created_at: String(created),
          started_at: n % 7 === 0 ? "null" : String(created + 5),
          finished_at: n === 11 ? "null" : String(created + 5 + took),
          status: n === 11 ? "'WAITING'" : n % 7 === 0 ? "'CANCELLED'" : n % 5 === 0 ? "'FAILED'" : "'SUCCEEDED'",
        };
        await sql.run(
          `insert into runs_run (${columns.join(", ")}) select ${columns.map((name) => values[name] ?? name).join(", ")} from runs_run where id not like '0000-%' limit 1`,
        );
        if (n !== 11) await sql.run("insert into runs_run_ended (run_id) values (?)", `0000-${String(at).padStart(4, "0")}`);
      }
    }
  }, "test.history");
}

describe("runSeries", () => {
  it("says the same from sums as from the runs themselves, however many are in the sums by now", async () => {
    await using here = await world();
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    await history(here, localId(mole));
    const { database } = here.app.platform;
    const now = Date.now();
    const questions = ["PT1H", "PT5H", "P1D", "P7D"].flatMap((bucket) =>
      [now, now - 26 * hour - 17 * 60_000, now - 24 * hour - (now % hour)].map(
        (until) => `since: "${iso(now - 5 * day)}", until: "${iso(until)}", bucket: "${bucket}"`,
      ),
    );
    const ask = async (more: string, filter: string, viewer: Viewer): Promise<unknown> =>
      Promise.all(questions.map((each) => series(here, `${each}${more}, filter: { ${filter} }`, viewer)));
    for (const [more, filter, viewer] of [
      ["", "", ada],
      ["", "", bob],
      [", scope: TENANT", "", root],
      ["", `agent: "${mole}"`, ada],
      [", scope: TENANT", `target: "${mole}"`, root],
      [", scope: TENANT", "", stranger],
    ] as const) {
      // With a condition that all of them meet, the runs themselves are read.
      const byRuns = await ask(more, `${filter}${filter ? ", " : ""}rootOnly: true`, viewer);
      expect(await ask(more, filter, viewer)).toEqual(byRuns);
    }
    const mine = await ask("", "", ada);
    await sumRuns(database);
    expect(await database.read.get("select count(*) as n from runs_run_ended")).toEqual({ n: 0 });
    expect(await ask("", "", ada)).toEqual(mine);
    for (const [more, filter, viewer] of [
      ["", "", bob],
      [", scope: TENANT", "", root],
      ["", `agent: "${mole}"`, ada],
      [", scope: TENANT", `target: "${mole}"`, root],
      [", scope: TENANT", "", stranger],
    ] as const)
      expect(await ask(more, filter, viewer)).toEqual(await ask(more, `${filter}${filter ? ", " : ""}rootOnly: true`, viewer));
    // What is removed counts on; no row of it is read any more.
    await database.commit(({ sql }) => sql.run("delete from runs_run where finished_at is not null"), "test.remove");
    const kept = await series(here, `since: "${iso(now - 5 * day)}", bucket: "P1D"`);
    expect(kept.reduce((sum, { runs }) => sum + Number(runs), 0)).toBe(81);
  });

  it("reads no more than 100,000 runs where no sums fit, and any number where they do", async () => {
    await using here = await world();
    const mole = await agent(here, { name: "Mole", model: "own/mole" });
    await start(here, { target: { agent: { name: "Mole" } }, text: "Go." });
    await play(here, { target: { agent: { name: "Mole" } } });
    const { database } = here.app.platform;
    const columns = (await database.read.all<{ name: string }>("select name from pragma_table_info('runs_run')")).map(({ name }) => name);
    const taken: Record<string, string> = { id: "'many-' || i", root_id: "'many-' || i", start_seq: "-1 - i", target_id: "'rat'" };
    await database.commit(
      ({ sql }) =>
        sql.run(`with recursive n (i) as (select 1 union all select i + 1 from n where i < 100001)
          insert into runs_run (${columns.join(", ")}) select ${columns.map((name) => taken[name] ?? name).join(", ")}
          from n, (select * from runs_run where finished_at is not null limit 1)`),
      "test.many",
    );
    const since = `since: "${iso(Date.now() - 2 * hour)}"`;
    await expect(series(here, `${since}, bucket: "PT5M"`)).rejects.toThrow(/more than 100,000 runs/);
    await expect(series(here, `${since}, bucket: "PT1H", filter: { trigger: [API] }`)).rejects.toThrow(/more than 100,000 runs/);
    await expect(here.app.graphql("{ usage(filter: { trigger: [API] }) { modelCalls } }", {}, ada)).rejects.toThrow(/more than 100,000/);
    expect(await series(here, `${since}, bucket: "PT1H"`)).toHaveLength(3);
    expect(await series(here, `${since}, bucket: "PT5M", filter: { agent: "${mole}", trigger: [API] }`)).toHaveLength(25);
  });

  it("has times that are far away, or yet to come", async () => {
    await using here = await world();
    expect(await series(here, `since: "${iso(Date.now() + day)}", bucket: "PT1H"`)).toEqual([]);
    expect(await series(here, `since: "0001-01-01T00:00:00Z", until: "0001-01-02T00:00:00Z", bucket: "PT1H"`)).toHaveLength(24);
  });
});
