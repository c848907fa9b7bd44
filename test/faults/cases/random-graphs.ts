import fc from "fast-check";
import { playAll } from "../../plugins/workflows/random/player.ts";
import { differencesOf } from "../../plugins/workflows/random/verdict.ts";
import { anyScript } from "../../plugins/workflows/random/works.ts";
import { runCase } from "../case.ts";

/** How many graphs one process runs side by side. */
const side = 12;
/** A run is given up after more lost processes than five. */
const losses = { most: 4, within: 300 };

/** Random graphs of workflows, whose processes are lost at random places around durable steps, come to what a model of them says. */
await runCase("random-graphs", async ({ size, random }) => {
  const batches = size === "whole" ? 40 : 2;
  const seed = Math.floor(random() * 2 ** 31);
  const scripts = fc.sample(fc.array(anyScript, { minLength: side, maxLength: side }), { seed, numRuns: batches });
  const after = fc.sample(fc.array(fc.integer({ min: 1, max: losses.within }), { maxLength: losses.most, minLength: 1 }), {
    seed,
    numRuns: batches,
  });
  const differences: string[] = [];
  let lost = 0;
  for (const [index, batch] of scripts.entries()) {
    const played = await playAll(batch, after[index] ?? []);
    lost += played.lost;
    for (const each of await differencesOf(batch, played)) differences.push(`batch ${index}, ${each}`);
  }
  return {
    graphs: batches * side,
    lost,
    differences: differences.length,
    ...(differences.length > 0 ? { first: differences.slice(0, 5) } : {}),
    ok: differences.length === 0 && lost > 0,
  };
});
