import type { Command } from "commander";
import { exitCodes } from "./exit.ts";
import { addListenOptions, startArguments, type StartOptions } from "./listen-options.ts";
import type { Cli } from "./terminal.ts";
import { interruptSignal } from "./signals.ts";
import { supervise } from "./supervisor.ts";

export function addDev(program: Command, cli: Cli): void {
  const dev = program.command("dev").description("serve, and restart when a file that the server has loaded changes");
  addListenOptions(dev).action(async (options: StartOptions) => {
    await supervise([...startArguments(options), ...configArguments(program)], { terminal: cli.terminal, signal: interruptSignal() });
    cli.exitCode = exitCodes.ok;
  });
}

function configArguments(program: Command): string[] {
  const { config } = program.opts() as { config?: string };
  return config === undefined ? [] : ["--config", config];
}
