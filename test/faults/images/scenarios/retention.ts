import { expect, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import { makeAgent } from "./flow.ts";

const targets = ["RUNS", "MESSAGES", "CHECKPOINTS", "AUDIT"];

/** Policies remove what is too much, wherever that is broken off: what is kept is whole. */
export const pruning: Scenario = {
  name: "pruning",
  reaches: [
    "retention.runs",
    "retention.events",
    "retention.messages",
    "retention.checkpoints",
    "retention.audit",
    "retention.deltas",
    "retention.values",
  ],
  async prepare(world) {
    await makeAgent(world, "Pruned", { framework: "langgraph", capabilities: ["rig.note"] });
  },
  async play(world) {
    const { read } = world.app.platform.database;
    const target = { agent: { name: "Pruned" } };
    const { thread } = await world.change<{ thread: { id: string } }>(
      "createThread",
      { title: "Pruned", idempotencyKey: "pruned" },
      "thread { id }",
    );
    for (const key of ["one", "two", "three"]) {
      const text = `Use rig.note with {"id": "${key}"} and say so.`;
      for (const more of [{}, { thread: thread.id }]) {
        const run = await start(world, target, `${key} ${Object.keys(more).length}`, { text, ...more }).catch(() => undefined);
        if (run !== undefined) await seeThrough(world, run).catch(() => undefined);
      }
    }
    // What is large stands apart.
    const large = await start(world, target, "large", { text: "Say so.", thread: thread.id, input: { large: "x".repeat(100_000) } }).catch(
      () => undefined,
    );
    if (large !== undefined) await seeThrough(world, large).catch(() => undefined);
    const last = await start(world, target, "last", { text: "Say so.", thread: thread.id }).catch(() => undefined);
    if (last !== undefined) await seeThrough(world, last).catch(() => undefined);
    for (const name of targets) await world.change("setRetentionPolicy", { target: name, maxCount: 1 }, "__typename");
    await world.change("setRetentionPolicy", { target: "RUN_DELTAS", maxAge: "PT1M" }, "__typename");
    await world.until("the policies are applied", async () => {
      const { answer } = await world.ask<{ answer: { code?: string; job?: { id: string } } }>(
        "mutation { answer: applyRetention { ... on ApplyRetentionPayload { job { id } } ... on UserError { code } } }",
      );
      if (answer.job) expect("the end of the job", (await seeThrough(world, answer.job.id)).status, "SUCCEEDED");
      return answer.job;
    });
    const count = async (sql: string): Promise<number> => (await read.get<{ n: number }>(`select count(*) as n from ${sql}`))?.n ?? -1;
    expect("rows without their run", await count("runs_step where run_id not in (select id from runs_run)"), 0);
    expect("calls without their run", await count("runs_tool_call where run_id not in (select id from runs_run)"), 0);
    expect("logs without their run", await count("runs_stream where kind = 'RUN' and id not in (select id from runs_run)"), 0);
    expect("values that nothing names", await count("runs_value"), 0);
    expect("the turns that are kept", await count("runs_message where thread_id is not null and role = 'USER'"), 1);
    const again = await start(world, target, `again ${crypto.randomUUID()}`, { text: "Say so.", thread: thread.id });
    expect("the end of what comes after", (await seeThrough(world, again)).status, "SUCCEEDED");
  },
};
