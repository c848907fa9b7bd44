import { seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import { makeWorkflow, tool } from "./flow.ts";

/** The negative control: a tool that says that it is idempotent, and is not. Lost right after its effect, it is called again, and that is found. */
export const misdeclared: Scenario = {
  name: "misdeclared",
  reaches: [],
  async prepare(world) {
    await makeWorkflow(world, "Misdeclared", [tool("act", "rig.misdeclared", { id: "act" })]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Misdeclared" } }, "misdeclared", { input: {} });
    await seeThrough(world, run);
  },
};
