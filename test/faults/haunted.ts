import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunEventBody } from "#weftline";
import type { Platform } from "../../src/core/platform.ts";
import type { EmbeddedEngine } from "../../src/core/runs/engine.ts";
import { engineService } from "../../src/core/runs/plugin.ts";
import { bootRuns, say } from "../runs/fixtures.ts";
import { emptyFolder } from "./images/image.ts";
import { Outside } from "./images/outside.ts";
import { start } from "./images/runs.ts";
import { localId, makeWorkflow, tool } from "./images/scenarios/flow.ts";
import { World } from "./images/world.ts";

/** A platform whose runs other engines advance than its own. */
export interface Haunted {
  readonly platform: Platform;
  readonly folder: string;
  readonly engine: EmbeddedEngine;
  /** The kind of event behind which a run is at something that takes its time. */
  readonly underWay: string;
  /** Queues a run that takes more than half a second. @returns the id of its row. */
  start(n: number): Promise<string>;
}

/** Platforms for runs of each sort. */
export const openHaunted = { agents: openAgents, workflows: openWorkflows } as const;

/** An agent that says a word every 20 ms. */
async function openAgents(): Promise<Haunted> {
  const folder = mkdtempSync(join(tmpdir(), "weftline-zombie-"));
  const words = Array.from({ length: 30 }, (_, n) => `word ${n} `);
  const host = await bootRuns({ turn: (): AsyncGenerator<RunEventBody> => say(words, 20) }, folder);
  return { platform: host.platform, folder, engine: host.engine, underWay: "message.delta", start: async () => (await host.start()).id };
}

/** A workflow of one node after the other, each of which takes 250 ms: most often one is under way. */
async function openWorkflows(): Promise<Haunted> {
  const folder = emptyFolder();
  const world = await World.open(folder, new Outside());
  const chain = Array.from({ length: 4 }, (_, n) =>
    tool(`n${n}`, "rig.slow", { id: `n${n}` }, n === 0 ? {} : { dependsOn: [`n${n - 1}`] }),
  );
  await makeWorkflow(world, "Slow", chain);
  const { platform } = world.app;
  const target = { workflow: { name: "Slow" } };
  return {
    platform,
    folder,
    engine: platform.use(engineService),
    underWay: "tool.started",
    start: async (n) => localId(await start(world, target, `slow ${n}`, { input: {} })),
  };
}
