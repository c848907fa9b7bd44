import { serviceRef } from "../kernel/refs.ts";
import type { PluginState } from "../kernel/report.ts";

/** The type key of `Plugin`: one installed plugin, as the graph shows it. */
export class PluginView {
  declare readonly id: string;
  declare readonly version: string;
  declare readonly kind: "CORE" | "CAPABILITY" | "FRAMEWORK" | "ENGINE";
  declare readonly state: PluginState;
  declare readonly reason: string | null;
  declare readonly fix: string | null;
  declare readonly description: string | null;
  declare readonly provides: readonly string[];
  declare readonly requires: readonly string[];
  declare readonly contributes: readonly { readonly point: string; readonly key: string }[];
  declare readonly setupMs: number | null;

  static of(fields: PluginView): PluginView {
    return Object.assign(new PluginView(), fields);
  }
}

/** The installed plugins. */
export interface PluginDirectory {
  list(): readonly PluginView[];
}

export const pluginDirectory = serviceRef<PluginDirectory>("platform.plugins");
