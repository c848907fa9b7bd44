import { globalId, jobService } from "#weftline";
import { expect, seeThrough } from "../runs.ts";
import type { Scenario } from "../scenario.ts";

/** Jobs that an admin and the platform start: what one has saved is not done again. */
export const sweeping: Scenario = {
  name: "sweeping",
  reaches: ["startJob", "startPlatformJob", "saveJob"],
  prepare: async () => undefined,
  async play(world) {
    const { run } = await world.change<{ run: { id: string } }>(
      "startJob",
      { job: "rig.sweep", input: { id: "asked" }, idempotencyKey: "sweep" },
      "run { id }",
    );
    const { status, output } = await seeThrough(world, run.id);
    expect("the end of the job", { status, output }, { status: "SUCCEEDED", output: "swept" });
    const swept = [0, 1, 2, 3].map((part) => world.outside.count("rig.sweep", `asked/${part}`));
    // At most one part was begun and not saved when the process was lost, and each loss may come there.
    if (swept.some((times) => times < 1)) throw new Error(`parts were left out: ${swept.join(" ")}`);
    const own = await world.app.platform.use(jobService).startAsPlatform("test", { job: "rig.sweep", input: { id: "own" } });
    expect("the end of the platform's", (await seeThrough(world, globalId("Run", own.id))).status, "SUCCEEDED");
  },
};
