import { Command, CommanderError } from "commander";
import { version } from "../core/version.ts";
import { addBackup } from "./backup.ts";
import { addDev } from "./dev.ts";
import { describeError, exitCodeOf, exitCodes } from "./exit.ts";
import { addDoctor } from "./doctor/doctor.ts";
import { addMigrate } from "./migrate.ts";
import { addPlugins } from "./plugins.ts";
import { addPluginCommands } from "./plugin-commands.ts";
import { addRestore } from "./restore.ts";
import { addSchema } from "./schema.ts";
import { addSecrets } from "./secrets.ts";
import { addStart } from "./start.ts";
import type { Cli, Terminal } from "./terminal.ts";

/** Runs one command line, without the names of the program. @returns the exit code. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const cli: Cli = { terminal, exitCode: exitCodes.ok };
  const program = createProgram(cli);
  try {
    if (asksForPlugins(program, argv)) await addPluginCommands(program, cli);
    if (argv.length === 0) program.help({ error: true });
    await program.parseAsync(argv, { from: "user" });
    return cli.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    terminal.say(`${terminal.paint("red", "✗")} ${describeError(error)}`);
    return exitCodeOf(error);
  }
}

function createProgram(cli: Cli): Command {
  const program = new Command("weftline")
    .description("Agents woven from plugins, served as one GraphQL API.")
    .version(version)
    .option("--config <file>", "the configuration file; plugins.config.ts of this folder, or the built-in configuration, by default")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: cli.terminal.out, writeErr: (text) => cli.terminal.say(text.trimEnd()) })
    .exitOverride();
  for (const add of [addStart, addDev, addSchema, addMigrate, addSecrets, addPlugins, addBackup, addRestore, addDoctor]) add(program, cli);
  return program;
}

/** Help lists the commands of plugins, and a word that is no command of ours may be one of theirs. */
function asksForPlugins(program: Command, argv: readonly string[]): boolean {
  const [word] = program.parseOptions([...argv]).operands;
  return word === undefined || word === "help" || !program.commands.some((command) => command.name() === word);
}
