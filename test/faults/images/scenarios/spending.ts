import { expect, look, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import { makeAgent } from "./flow.ts";

/** A budget has a run wait, is raised, and lets it go on: wherever the process is lost, nothing stays reserved. */
export const spending: Scenario = {
  name: "spending",
  reaches: ["askAgain"],
  async prepare(world) {
    await makeAgent(world, "Spender");
  },
  async play(world) {
    const { agent } = await world.ask<{ agent: { id: string } }>('{ agent(ref: { name: "Spender" }) { id } }');
    const set = (tokenLimit: number): Promise<unknown> =>
      world.change("setBudget", { scope: "AGENT", scopeId: agent.id, tokenLimit, onExceed: "PAUSE" }, "__typename");
    const limit = async (): Promise<number | undefined> =>
      (await world.ask<{ budgets: { nodes: { tokenLimit: number }[] } }>("{ budgets { nodes { tokenLimit } } }")).budgets.nodes[0]
        ?.tokenLimit;
    if ((await limit()) === undefined) await set(10);
    const run = await start(world, { agent: { name: "Spender" } }, "spending", { text: "Write 5 words." });
    if ((await limit()) === 10) {
      await world.until("it waits for its budget", async () => ((await look(world, run)).status === "WAITING" ? true : undefined));
      await set(10_000_000);
    }
    // A process that was lost between the two left the question.
    await set(10_000_000);
    expect("the end of what waited", (await seeThrough(world, run, () => false)).status, "SUCCEEDED");
    const { read } = world.app.platform.database;
    const held = await read.get(
      "select coalesce(sum(held_calls), 0) as calls, coalesce(sum(held_output), 0) as output from budgets_account",
    );
    expect("what is reserved", held, { calls: 0, output: 0 });
    expect("the calls under way", await read.get("select count(*) as n from budgets_call"), { n: 0 });
  },
};
