import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { follow } from "../../plugins/capabilities/play.ts";
import { ada, bootMill, end, gate, started, until, type Mill } from "./world.ts";

const mill: Mill = { grind: async () => undefined, once: async () => undefined };
let app: TestPlatform;
beforeAll(async () => {
  app = await bootMill(mill);
});
afterAll(() => app.close());

const change = (verb: string, run: string): Promise<object> =>
  app.graphql(`mutation ($run: ID!) { ${verb}(run: $run) { ... on UserError { code } } }`, { run }, ada);

/** Grinds sack after sack, each when the test lets it. */
function bySacks(): { readonly begun: number[]; readonly next: () => void; readonly grind: Mill["grind"] } {
  const begun: number[] = [];
  let wait = gate();
  return {
    begun,
    next: () => {
      const open = wait;
      wait = gate();
      open.open();
    },
    grind: async ({ input, state, save }) => {
      for (let ground = state?.ground ?? 0; ground < input.sacks; ground++) {
        begun.push(ground);
        await wait.passed;
        await save({ ground: ground + 1 });
      }
      return "flour";
    },
  };
}

async function comes(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setTimeout(resolve, 2));
}

describe("between two saves a job", () => {
  it("pauses when its run is to pause, and goes on with what it saved", async () => {
    const sacks = bySacks();
    mill.grind = sacks.grind;
    const id = await started(app, "mill.grind", { sacks: 3 });
    await comes(() => sacks.begun.length === 1);
    await change("pauseRun", id);
    sacks.next();
    await until(app, id, ["PAUSED"]);
    expect(sacks.begun).toEqual([0]);
    await change("resumeRun", id);
    await comes(() => sacks.begun.length === 2);
    sacks.next();
    await comes(() => sacks.begun.length === 3);
    sacks.next();
    expect(await end(app, id)).toMatchObject({ status: "SUCCEEDED", output: "flour" });
    expect(sacks.begun).toEqual([0, 1, 2]);
    expect(await follow(app, id, undefined, ada)).toEqual([
      "run.queued",
      "run.started",
      "run.paused",
      "run.waiting",
      "run.resumed",
      "run.finished",
    ]);
  });

  it("leaves a platform that closes, as often as it takes, and counts as never lost", async () => {
    const sacks = bySacks();
    mill.grind = sacks.grind;
    const id = await started(app, "mill.grind", { sacks: 8 });
    for (let sack = 0; sack < 8; sack++) {
      await comes(() => sacks.begun.length === sack + 1);
      const closed = sack < 7 ? app.restart() : undefined;
      sacks.next();
      await closed;
    }
    expect(await end(app, id)).toMatchObject({ status: "SUCCEEDED", output: "flour" });
    expect(sacks.begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe("what a job commits", () => {
  it("is durable with its state, or neither is", async () => {
    const notes = "insert into runs_job_state (run_id, state, saved_at) values ('note', '1', 0)";
    mill.grind = async ({ state, commit, runId }) => {
      if (state) return { state };
      await commit(async ({ sql }) => {
        await sql.run(notes);
        await sql.run("update runs_job_state set state = ? where run_id = 'note'", JSON.stringify(runId));
        return { ground: 1 };
      }, "mill.ground");
      await expect(
        commit(async ({ sql }) => {
          await sql.run("delete from runs_job_state where run_id = 'note'");
          throw new Error("the stone broke");
        }, "mill.ground"),
      ).rejects.toThrow("the stone broke");
      // The lease is another's now: what this turn writes is refused, and the next one finds what was saved.
      await app.platform.database.commit(({ sql }) =>
        sql.run("update runs_run set epoch = epoch + 1, lease_until = 0 where finished_at is null"),
      );
      await expect(
        commit(async ({ sql }) => {
          await sql.run("delete from runs_job_state where run_id = 'note'");
          return { ground: 9 };
        }, "mill.ground"),
      ).rejects.toMatchObject({ code: "RUN_FENCED" });
      return "nobody hears this";
    };
    const id = await started(app, "mill.grind", { sacks: 1 });
    await comesBack(id);
    expect(await app.platform.database.read.all("select state from runs_job_state where run_id = 'note'")).toHaveLength(1);
  });
});

/** The run is taken over by a sweep, and ends with what was saved. */
async function comesBack(id: string): Promise<void> {
  await app.restart();
  expect(await end(app, id)).toMatchObject({ status: "SUCCEEDED", output: { state: { ground: 1 } } });
}
