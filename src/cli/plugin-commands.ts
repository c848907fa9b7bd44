import type { Command } from "commander";
import { commands, type CliArgument, type CliCommand, type CliContext } from "../core/commands.ts";
import type { WeftlineConfig } from "../core/config.ts";
import { WeftlineError } from "../core/errors.ts";
import { createPlatform, loadPlugins, type Platform } from "../core/platform.ts";
import { loadConfig } from "./config-file.ts";
import { describeError, exitCodes } from "./exit.ts";
import type { Cli } from "./terminal.ts";
import { interruptSignal } from "./signals.ts";

/**
 * Adds what the plugins of the configuration contribute. They are read, not set up. Where that fails, help is still given.
 *
 * @throws CONTRIBUTION_DUPLICATE for a command of the same name as one of ours.
 */
export async function addPluginCommands(program: Command, cli: Cli): Promise<void> {
  const own = new Set(program.commands.map((command) => command.name()));
  const found = await readCommands(program, cli);
  for (const { name, plugin, command } of found.commands) {
    if (own.has(name))
      throw new WeftlineError("CONTRIBUTION_DUPLICATE", { point: commands.id, key: name, plugin: "weftline", other: plugin });
    addOne(program, cli, found.config, name, command);
  }
}

interface Found {
  readonly config: WeftlineConfig;
  readonly commands: readonly { readonly name: string; readonly plugin: string; readonly command: CliCommand }[];
}

async function readCommands(program: Command, cli: Cli): Promise<Found> {
  const named = program.opts()["config"] as string | undefined;
  try {
    const { config } = await loadConfig(named);
    const { registry } = await loadPlugins({ ...config, logLevel: "silent" });
    return {
      config,
      commands: [...registry.contributions(commands)].map(([name, { plugin, value }]) => ({ name, plugin, command: value })),
    };
  } catch (error) {
    cli.terminal.say(`The commands of plugins are missing here, since the configuration does not load: ${describeError(error)}`);
    return { config: { plugins: [] }, commands: [] };
  }
}

function addOne(program: Command, cli: Cli, config: WeftlineConfig, name: string, command: CliCommand): void {
  const line = program.command(name).description(command.description);
  for (const argument of command.arguments ?? []) line.argument(usageOf(argument), argument.description);
  for (const option of command.options ?? []) line.option(option.flags, option.description, option.default);
  line.action(async () => {
    const given = Object.fromEntries(
      (command.arguments ?? []).map((argument, index) => [argument.name, line.processedArgs[index] as string]),
    );
    cli.exitCode = await runOne(cli, config, command, { arguments: given, options: line.opts() });
  });
}

function usageOf({ name, presence }: CliArgument): string {
  if (presence === "rest") return `[${name}...]`;
  return presence === "optional" ? `[${name}]` : `<${name}>`;
}

async function runOne(
  cli: Cli,
  config: WeftlineConfig,
  command: CliCommand,
  given: Pick<CliContext, "arguments" | "options">,
): Promise<number> {
  const platform = command.needs === "nothing" ? undefined : await createPlatform({ ...config, logLevel: config.logLevel ?? "warn" });
  try {
    const { out, say } = cli.terminal;
    const code = await command.run({ ...given, config, signal: interruptSignal(), out, say, ...doorsOf(platform) });
    return code ?? exitCodes.ok;
  } finally {
    await platform?.close();
  }
}

function doorsOf(platform: Platform | undefined): Pick<CliContext, "use" | "scope"> {
  if (platform) return { use: (ref) => platform.use(ref), scope: (viewer) => platform.scope(viewer, "cli") };
  const refuse = (): never => {
    throw new WeftlineError("UNAVAILABLE", {
      what: "The platform",
      reason: "the command says that it needs nothing.",
      fix: 'Declare needs: "platform".',
    });
  };
  return { use: refuse, scope: refuse };
}
