import type { Command } from "commander";
import type { WeftlineConfig } from "../core/config.ts";
import { loadConfig } from "./config-file.ts";
import { addListenOptions, type StartOptions } from "./listen-options.ts";
import type { Cli } from "./terminal.ts";
import { serve } from "./serve.ts";

export function addStart(program: Command, cli: Cli): void {
  const start = program.command("start").description("serve until a signal");
  addListenOptions(start).action(async (options: StartOptions) => {
    const { file, config } = await loadConfig(program.opts()["config"]);
    cli.exitCode = await serve(
      cli.terminal,
      { file, config: configWith(config, options) },
      options.migrate ? { migrate: "automatic" } : {},
    );
  });
}

/** What the command line says wins over the configuration. */
function configWith(config: WeftlineConfig, { host, port, data }: StartOptions): WeftlineConfig {
  return {
    ...config,
    server: { ...config.server, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port: Number(port) }) },
    ...(data === undefined ? {} : { dataDir: data }),
  };
}
