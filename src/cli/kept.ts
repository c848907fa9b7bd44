import type { KeptByPlugin } from "../core/backup/kept-rows.ts";
import type { Registry } from "../core/kernel/registry.ts";
import { keptFiles } from "../core/kept-files.ts";

/** The files that plugins keep, by the plugin's id: that is the name of the folder, too. */
export function keptByPlugin(registry: Pick<Registry, "contributions">): KeptByPlugin {
  return new Map([...registry.contributions(keptFiles).values()].map(({ plugin, value }) => [plugin, value]));
}
