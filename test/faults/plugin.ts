import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import {
  commands,
  contribution,
  databaseService,
  definePlugin,
  runtimes,
  type AgentRuntime,
  type Database,
  type RunEventBody,
} from "#weftline";
import { compact } from "../../src/core/runs/compaction.ts";
import { besideCommand } from "./beside.ts";
import { effectTools } from "./effects.ts";
import { faultInjections, type FailpointName } from "../../src/core/runs/failpoint.ts";

/** How many events the flooding agent says a second, for how long, and how large each is. */
const floodOptions = z.object({ perSecond: z.number().default(1_000), seconds: z.number(), bytes: z.number().default(200) });
type FloodOptions = z.output<typeof floodOptions>;

function heldMiB(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let round = 0; round < 3; round++) collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

/** A server's armed failpoint: the process ends itself at the given hit. */
function createTrap() {
  let armed: { at: string; hits: number } | undefined;
  return {
    arm: (at: string, hit: number) => (armed = hit > 0 ? { at, hits: hit } : undefined),
    reach: (at: FailpointName) => {
      if (armed?.at !== at || --armed.hits > 0) return;
      process.kill(process.pid, "SIGKILL");
    },
  };
}

/** Breaks the server that it stands in, from within: kills it at a failpoint, makes its store refuse, floods it with events. @param folder where effects stand. */
export const faults = (folder: string) => {
  const trap = createTrap();
  const plugin = definePlugin({
    id: "faults",
    requires: { database: databaseService },
    contributes: [
      contribution(faultInjections, "suite", {
        failpoint: trap.reach,
        engine: { leaseMs: 900, sweepMs: 300 },
        drainMs: 200,
      }),
      contribution(runtimes, "faults", floodRuntime),
      contribution(commands, "faults-beside", besideCommand),
      ...effectTools(folder),
    ],
    schema: (builder) => {
      builder.mutationField("faultsArm", (t) =>
        t.boolean({
          nullable: false,
          description: "Ends the process when a place is reached for the n-th time; 0 disarms.",
          args: {
            at: t.arg.string({ required: true, description: "The place." }),
            hit: t.arg.int({ required: true, description: "Which hit." }),
          },
          resolve: (_, { at, hit }) => {
            trap.arm(at, hit);
            return true;
          },
        }),
      );
      builder.mutationField("faultsHeap", (t) =>
        t.float({ nullable: false, description: "What the process holds once all garbage is gone, in MiB.", resolve: heldMiB }),
      );
      builder.mutationField("faultsStore", (t) =>
        t.boolean({
          nullable: false,
          description: "Makes the store refuse writes, or take them again.",
          args: { state: t.arg.string({ required: true, description: "full, readonly or well." }) },
          resolve: async (_, { state }, scope) => {
            await breakStore(scope.use(databaseService), state);
            return true;
          },
        }),
      );
      builder.mutationField("faultsCompact", (t) =>
        t.int({
          nullable: false,
          description: "Compacts all streams now.",
          resolve: (_, __, scope) => compact(scope.use(databaseService), 0),
        }),
      );
    },
    setup: () => ({}),
  });
  return plugin();
};

/** SQLite's own switches: what they make it answer is what a full disk or a read-only file would. */
async function breakStore({ orm }: Database, state: string): Promise<void> {
  const connection = orm.em.getConnection("write");
  const pages = async (): Promise<number> => {
    const [row] = await connection.execute<{ page_count: number }[]>("pragma page_count");
    return row?.page_count ?? 0;
  };
  if (state === "full") await connection.execute(`pragma max_page_count = ${await pages()}`);
  else if (state === "readonly") await connection.execute("pragma query_only = on");
  else {
    await connection.execute("pragma query_only = off");
    await connection.execute("pragma max_page_count = 1073741823");
  }
}

const floodRuntime: AgentRuntime<FloodOptions> = {
  id: "faults",
  features: {
    streaming: true,
    tools: false,
    interrupts: false,
    resume: true,
    steps: false,
    state: false,
    structuredOutput: false,
    usage: false,
  },
  options: floodOptions,
  optionsSchema: {},
  status: () => ({ mode: "LIVE" }),
  models: () => [],
  stream: ({ options }, { signal }) => flood(options, signal),
};

async function* flood({ perSecond, seconds, bytes }: FloodOptions, signal: AbortSignal): AsyncGenerator<RunEventBody> {
  const total = perSecond * seconds;
  const started = performance.now();
  const data = { pad: "x".repeat(bytes) };
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.ceil(((performance.now() - started) / 1000) * perSecond));
    for (; sent < due; sent++) yield { kind: "custom", name: "faults.flood", data: { n: sent, sentAt: Date.now(), ...data } };
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
