import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { commands, type CliAction, type CliArgument, type CliCommand, type CliContext, type CliGraph } from "../core/commands.ts";
import type { WeftlineConfig } from "../core/config.ts";
import { WeftlineError } from "../core/errors.ts";
import { Scope, type ScopeHost } from "../core/graphql/scope.ts";
import { createLog } from "../core/log.ts";
import { composePlatform, createPlatform, loadPlugins, readDatabase, type BootOptions } from "../core/platform.ts";
import { loadConfig } from "./config-file.ts";
import { describeError, exitCodes } from "./exit.ts";
import { graphOptions, openGraph } from "./graph/open.ts";
import { withoutControls, type Cli } from "./terminal.ts";
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
    addCommand(program, cli, found.config, name, command);
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

function addCommand(program: Command, cli: Cli, config: WeftlineConfig, name: string, command: CliCommand): void {
  if (!("subcommands" in command)) return addAction(program, cli, config, name, command);
  const group = program.command(name).description(command.description);
  for (const [word, action] of Object.entries(command.subcommands)) addAction(group, cli, config, word, action);
}

function addAction(parent: Command, cli: Cli, config: WeftlineConfig, name: string, command: CliAction): void {
  const line = parent.command(name).description(command.description);
  for (const argument of command.arguments ?? []) line.argument(usageOf(argument), argument.description);
  const options = [...(command.options ?? []), ...(command.needs === "graph" ? graphOptions : [])];
  for (const option of options) line.option(option.flags, option.description, option.default);
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
  command: CliAction,
  given: Pick<CliContext, "arguments" | "options">,
): Promise<number> {
  const host = await openHost({ ...config, logLevel: config.logLevel ?? "warn" }, command.needs, given.options);
  const ended = new AbortController();
  try {
    const { out, say, paint, screen } = cli.terminal;
    const ctx: CliContext = {
      ...given,
      config,
      signal: interruptSignal(ended.signal),
      out,
      say: (line) => say(withoutControls(line)),
      paint,
      screen,
      use: host.use,
      scope: host.scope,
      get graph() {
        return host.graph();
      },
    };
    const code = await command.run(ctx);
    return code ?? exitCodes.ok;
  } finally {
    await host.close();
    ended.abort();
  }
}

interface OpenHost extends Pick<CliContext, "use" | "scope"> {
  graph(): CliGraph;
  close(): Promise<void>;
}

async function openHost(config: WeftlineConfig, needs: CliAction["needs"] = "platform", options: CliContext["options"]): Promise<OpenHost> {
  const refuse = (): never => {
    throw new WeftlineError("UNAVAILABLE", {
      what: "The platform",
      reason: `the command says that it needs ${needs}.`,
      fix: 'Declare needs: "platform", or needs: "graph".',
    });
  };
  const nothing: OpenHost = { use: refuse, scope: refuse, graph: refuse, close: async () => {} };
  if (needs === "nothing") return nothing;
  if (needs === "graph") return { ...nothing, ...(await openGraph(config, options)) };
  if (needs === "rows") return { ...nothing, ...(await openRows(config)) };
  return { ...nothing, ...(needs === "scratch" ? await openScratch(config) : await openPlatform(config)) };
}

type BootedHost = Omit<OpenHost, "graph">;

async function openPlatform(config: WeftlineConfig, options?: BootOptions): Promise<BootedHost> {
  const platform = await createPlatform(config, options);
  return { use: (ref) => platform.use(ref), scope: (viewer) => platform.scope(viewer, "cli"), close: () => platform.close() };
}

async function openScratch(config: WeftlineConfig): Promise<BootedHost> {
  const dataDir = await mkdtemp(join(tmpdir(), "weftline-"));
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true });
  try {
    const host = await openPlatform({ ...config, dataDir }, { migrate: "automatic", data: "temporary" });
    return { ...host, close: () => host.close().finally(remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Reads as somebody, without plugins that run: the server may be up. */
async function openRows(config: WeftlineConfig): Promise<Pick<OpenHost, "scope" | "close">> {
  const { kernel, composition } = await composePlatform(config);
  const database = readDatabase(config, composition);
  const host: Omit<ScopeHost, "database"> = {
    log: createLog(config),
    remember: async () => {},
    has: () => false,
    use: (ref) => kernel.registry.use(ref),
    contributions: (point) => kernel.registry.contributions(point),
  };
  return {
    scope: (viewer) => {
      if (!database) throw new WeftlineError("UNAVAILABLE", noDatabase);
      return new Scope({ ...host, database }, viewer, "cli");
    },
    close: async () => database?.close(),
  };
}

const noDatabase = {
  what: "The database",
  reason: "there is none in the data folder.",
  fix: "Start the server once: it makes one.",
} as const;
