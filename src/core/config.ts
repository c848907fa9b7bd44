import type { PluginList } from "./kernel/spec.ts";

/** A host: its plugins and where it runs. The defaults are those of a development machine. */
export interface WeftlineConfig {
  readonly plugins: PluginList;
  /** Where it listens; 127.0.0.1:4400 unless said. Anything but loopback needs an authenticator. */
  readonly server?: { readonly host?: string; readonly port?: number };
  /** The folder of the database and of files; ./data unless said. */
  readonly dataDir?: string;
  /** `production` hides GraphiQL and introspection and leaves migrations to the operator. */
  readonly mode?: "development" | "production";
  /** The least grave message to log; `info` unless said. */
  readonly logLevel?: "debug" | "info" | "warn" | "error" | "silent";
}

/**
 * Types a configuration.
 *
 * @example export default defineConfig({ plugins: [agents(), chat()] });
 */
export function defineConfig(config: WeftlineConfig): WeftlineConfig {
  return config;
}
