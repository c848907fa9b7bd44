import { join } from "node:path";
import { violationsOf } from "../invariants.ts";
import { Camera, emptyFolder, removeImage, type Image } from "./image.ts";
import { Outside } from "./outside.ts";
import type { Scenario } from "./scenario.ts";
import { World } from "./world.ts";

/** What came of a scenario. */
export interface Played {
  readonly hits: ReadonlyMap<string, number>;
  readonly images: readonly Image[];
  readonly violations: readonly string[];
}

/** Plays a scenario to its end while nothing breaks, and takes an image at every place that it comes to. */
export async function record({ prepare, play, name }: Scenario): Promise<Played> {
  const folder = emptyFolder();
  const outside = new Outside();
  const camera = new Camera(folder, outside);
  const violations: string[] = [];
  const world = await World.open(folder, outside, camera.reach);
  try {
    await prepare(world);
    camera.open();
    await play(world);
  } catch (error) {
    violations.push(`${name}, undisturbed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    await world.close();
    camera.close();
  }
  violations.push(...wrongAtEnd(folder, outside).map((each) => `${name}, undisturbed: ${each}`));
  removeImage({ folder });
  return { hits: camera.hits, images: camera.images, violations };
}

/**
 * Boots a platform on an image, as after `kill -9`, and plays the scenario again from wherever it was.
 *
 * @param takes at which of its own places one more image is taken, by their number from 1: what is lost while it recovers from a loss.
 */
export async function replay({ play, name }: Scenario, image: Image, takes?: number): Promise<Played> {
  const outside = new Outside(image.outside);
  const camera = new Camera(image.folder, outside, (hit) => hit === takes);
  camera.open();
  const violations: string[] = [];
  let world: World | undefined;
  try {
    world = await World.open(image.folder, outside, camera.reach);
    await play(world);
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  } finally {
    camera.close();
    await world?.close();
  }
  violations.push(...wrongAtEnd(image.folder, outside));
  removeImage(image);
  return {
    hits: camera.hits,
    images: camera.images,
    violations: violations.map((each) => `${name}, lost at ${image.places.join(" = ")}: ${each}`),
  };
}

function wrongAtEnd(folder: string, outside: Outside): string[] {
  return [...violationsOf(join(folder, "weftline.db"), "end"), ...outside.repeated()];
}
