import { askingScenes } from "./asking-scenes.ts";
import { plainScenes, type Scene } from "./scenes.ts";
import { troubledScenes } from "./troubled-scenes.ts";

/** What every engine has to play alike. */
export const scenes: readonly Scene[] = [...plainScenes, ...troubledScenes, ...askingScenes];
