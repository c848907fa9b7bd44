import { spawn } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { exitCodes } from "./exit.ts";
import { addListenOptions, startArguments, type StartOptions } from "./listen-options.ts";
import type { Cli } from "./program.ts";

export function addDev(program: Command, cli: Cli): void {
  const dev = program.command("dev").description("serve, and restart when a file that the server has loaded changes");
  addListenOptions(dev).action(async (options: StartOptions) => {
    cli.exitCode = await watch([...startArguments(options), ...configArguments(program)]);
  });
}

function configArguments(program: Command): string[] {
  const { config } = program.opts() as { config?: string };
  return config === undefined ? [] : ["--config", config];
}

/**
 * Node watches what the server imports, the configuration and linked plugins included, and after a failed start waits for the next
 * change. Its messages go to standard error.
 */
async function watch(args: readonly string[]): Promise<number> {
  const main = fileURLToPath(new URL(`./main${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, ["--watch", "--watch-preserve-output", main, "start", ...args], { stdio: ["inherit", 2, 2] });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void child.kill(signal));
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? exitCodes.interrupted)));
}
