import { runCase } from "../case.ts";
import { removeImage, type Image } from "../images/image.ts";
import { allPoints } from "../images/points.ts";
import { record, replay, type Played } from "../images/replay.ts";
import type { Scenario } from "../images/scenario.ts";
import { misdeclared } from "../images/scenarios/control.ts";
import { scenarios } from "../images/scenarios/index.ts";

/** Images that the small version boots on; of the others it takes note only. */
const fewImages = 12;
/** So many images of a recovery are taken among this many of its places, by chance. */
const nestedPlaces = 24;
/** How many platforms recover side by side: a recovery waits more than it works. */
const sides = 3;

interface Loss {
  readonly scenario: Scenario;
  readonly image: Image;
  /** Whether the recovery is lost as well. */
  readonly depth: 1 | 2;
}

/**
 * Takes an image of the data folder at every place around every commit and every side effect of each scenario, at each time that it is reached; boots a
 * platform on each image that differs, as after `kill -9` there, and plays the scenario to its end. At whole size recoveries are lost at a place, too.
 */
await runCase("failpoints", async ({ size, random }) => {
  const hits = new Map<string, number>();
  const violations: string[] = [];
  const figures = { images: 0, recoveries: 0, nested: 0 };
  const note = (played: Played): void => {
    for (const [at, count] of played.hits) hits.set(at, (hits.get(at) ?? 0) + count);
    violations.push(...played.violations);
    if (size === "whole") for (const each of played.violations) process.stderr.write(`${each}\n`);
  };
  const chosen = size === "whole" ? scenarios : scenarios.filter((_, index) => index === 0 || index === 1 + Math.floor(random() * 3));
  const losses: Loss[] = [];
  for (const scenario of chosen) {
    const played = await record(scenario);
    note(played);
    figures.images += played.images.length;
    losses.push(...played.images.map((image) => ({ scenario, image, depth: 1 as const })));
    if (size === "whole") process.stderr.write(`${scenario.name}: ${played.images.length} images\n`);
  }
  if (size === "small") for (const { image } of leaveOut(losses, losses.length - fewImages, random)) removeImage(image);

  const recover = async (): Promise<void> => {
    for (let loss = losses.shift(); loss; loss = losses.shift()) {
      const { scenario, image, depth } = loss;
      const takes = size === "whole" && depth === 1 ? 1 + Math.floor(random() * nestedPlaces) : undefined;
      const played = await replay(scenario, image, takes);
      note(played);
      figures.recoveries++;
      for (const nested of played.images) {
        figures.nested++;
        losses.push({ scenario, image: { ...nested, places: [`${image.places[0]}, then ${nested.places[0]}`] }, depth: 2 });
      }
    }
  };
  await Promise.all(Array.from({ length: sides }, recover));

  const controlViolations = await control();

  const points = allPoints();
  const missed = size === "whole" ? points.filter((point) => !hits.has(point)) : [];
  return {
    scenarios: chosen.length,
    points: points.length,
    visited: points.filter((point) => hits.has(point)).length,
    hits: [...hits.values()].reduce((sum, each) => sum + each, 0),
    ...figures,
    ...(missed.length > 0 ? { missed } : {}),
    controlViolations,
    violations: violations.length,
    ...(violations.length > 0 ? { first: violations.slice(0, 5) } : {}),
    ok: missed.length + violations.length === 0 && controlViolations > 0,
  };
});

/** @returns how many effects are found to be repeated where a tool is: were there none, the case would see nothing. */
async function control(): Promise<number> {
  const { images, violations } = await record(misdeclared);
  if (violations.length > 0) throw new Error(violations.join("; "));
  let repeated = 0;
  for (const image of images) {
    if (!image.places.includes("rig.acted")) removeImage(image);
    else repeated += (await replay(misdeclared, image)).violations.filter((each) => each.includes("was done 2 times")).length;
  }
  return repeated;
}

/** Takes so many out of a list, by chance. */
function leaveOut<T>(list: T[], count: number, random: () => number): T[] {
  return Array.from({ length: Math.max(0, count) }, () => list.splice(Math.floor(random() * list.length), 1)).flat();
}
