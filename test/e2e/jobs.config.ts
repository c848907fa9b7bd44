import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { contribution, defineConfig, defineJob, definePlugin, jobs } from "../../src/core/index.ts";
import { auth, health } from "../../src/plugins/index.ts";

const { WEFTLINE_DATA = "", MILL = "there" } = process.env;

async function comes(file: string, signal: AbortSignal): Promise<void> {
  while (!existsSync(join(WEFTLINE_DATA, file))) {
    signal.throwIfAborted();
    await pause(10);
  }
}

/** Notes each sack in a file, and waits after the third until another file is there. */
const grind = defineJob({
  name: "mill.grind",
  input: z.object({ sacks: z.int() }),
  state: z.object({ ground: z.int() }),
  async run({ runId, input, state, progress, save, signal }) {
    for (let sack = (state?.ground ?? 0) + 1; sack <= input.sacks; sack++) {
      if (sack > 3) await comes("go", signal);
      appendFileSync(join(WEFTLINE_DATA, "ground"), `${runId} ${sack}\n`);
      progress(sack, input.sacks);
      await save({ ground: sack });
      appendFileSync(join(WEFTLINE_DATA, "saved"), `${runId} ${sack}\n`);
    }
    return { sacks: input.sacks };
  },
});

/** Begins, and waits until a file is there. */
const once = defineJob({
  name: "mill.once",
  async run({ runId, signal }) {
    appendFileSync(join(WEFTLINE_DATA, "begun"), `${runId}\n`);
    await comes("go", signal);
    return "done";
  },
});

const mill = definePlugin({ id: "mill", contributes: [grind, once].map((job) => contribution(jobs, job.name, job)) });

/** Jobs that can be killed in the middle, and a server where they have been left out. */
export default defineConfig({ dataDir: WEFTLINE_DATA, plugins: [auth(), health(), ...(MILL === "there" ? [mill()] : [])] });
