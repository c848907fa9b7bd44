import type { Command } from "commander";
import type { Cli } from "./program.ts";
import { addListenOptions } from "./listen-options.ts";

export function addStart(program: Command, cli: Cli): void {
  const start = program.command("start").description("serve");
  addListenOptions(start).action(async () => {
    cli.exitCode = 0;
  });
}
