import type { World } from "./world.ts";

/** Something that clients want, written so that it can be done again from wherever it broke off, as clients that were cut off do. */
export interface Scenario {
  readonly name: string;
  /** The commits that it reaches, by their names: what is lost around them is made good. */
  readonly reaches: readonly string[];
  /** Makes what it needs, before anything is lost. */
  prepare(world: World): Promise<void>;
  /** Does all of it. @throws where something is not as it should be in the end */
  play(world: World): Promise<void>;
}
