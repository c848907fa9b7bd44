import { version } from "#weftline";
import type { CrewEngine } from "../engine.ts";
import { playCrew } from "./crew.ts";

/** Plays crews in this process, without Python. */
export const typescriptEngine: CrewEngine = {
  name: "typescript",
  version: () => version,
  standing: () => ({ ready: true }),
  play: playCrew,
};
