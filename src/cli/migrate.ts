import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { writeMigration } from "../core/database/author.ts";
import type { WeftlineConfig } from "../core/config.ts";
import type { Database } from "../core/database/database.ts";
import { migrationStates, missingStatements, pendingOf, runMigrations, type MigrationState } from "../core/database/migrations.ts";
import type { OwnedEntity } from "../core/database/ownership.ts";
import { WeftlineError } from "../core/errors.ts";
import { composePlatform, connectDatabase, readDatabase } from "../core/platform.ts";
import { loadConfig, type LoadedConfig } from "./config-file.ts";
import { exitCodes } from "./exit.ts";
import type { Cli } from "./terminal.ts";

/** Folders of the parts of the host that own tables. */
const coreFolders: Readonly<Record<string, string>> = { platform: "src/core/host", runs: "src/core/runs" };

export function addMigrate(program: Command, cli: Cli): void {
  const migrate = program.command("migrate").description("look at, apply and write database migrations");
  migrate
    .command("status")
    .description("list the migrations and when they ran; exits 5 where some are pending")
    .action(async () => {
      cli.exitCode = await status(cli, await loadConfig(program.opts()["config"]));
    });
  migrate
    .command("up")
    .description("apply what is pending, each in a transaction of its own")
    .action(async () => up(cli, await loadConfig(program.opts()["config"])));
  migrate
    .command("check")
    .description("compare what all migrations make with what the entities declare; exits 5 where they differ")
    .action(async () => {
      cli.exitCode = await check(cli, await loadConfig(program.opts()["config"]));
    });
  migrate
    .command("new")
    .description("write a migration of what changed in the entities of a plugin")
    .requiredOption("--plugin <id>", "the plugin")
    .option("--name <name>", "a name in snake_case", "change")
    .option("--folder <folder>", "where the plugin keeps its migrations; found by its id by default")
    .option("--initial", "delete the plugin's migrations and write one for all of its tables; only before its first release")
    .action(async (options: NewOptions) => writeNew(cli, await loadConfig(program.opts()["config"]), options));
}

async function withDatabase<T>({ config }: LoadedConfig, work: (database: Database) => Promise<T>): Promise<T> {
  const { composition } = await composePlatform({ ...config, logLevel: "silent" });
  const database = connectDatabase(config, composition);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

async function status(cli: Cli, loaded: LoadedConfig): Promise<number> {
  const states = await statesOf(loaded.config);
  for (const { name, executedAt } of states) cli.terminal.out(`${name}\t${executedAt?.toISOString() ?? "pending"}\n`);
  return states.some(({ executedAt }) => !executedAt) ? exitCodes.migration : exitCodes.ok;
}

/** Also while the server runs: nothing is locked, made or migrated. */
async function statesOf(config: WeftlineConfig): Promise<MigrationState[]> {
  const { composition } = await composePlatform({ ...config, logLevel: "silent" });
  const names = composition.migrations.map(({ name }) => name);
  const database = readDatabase(config, composition);
  try {
    return database ? await migrationStates(database, names) : pendingOf(names);
  } finally {
    await database?.close();
  }
}

async function up(cli: Cli, loaded: LoadedConfig): Promise<void> {
  const applied = await withDatabase(loaded, runMigrations);
  for (const name of applied) cli.terminal.out(`${name}\n`);
  cli.terminal.say(applied.length === 0 ? "Nothing is pending." : `${cli.terminal.paint("green", "✓")} Applied ${applied.length}.`);
}

/** Migrates an empty database of its own, so that it needs none and touches none. */
async function check(cli: Cli, { file, config }: LoadedConfig): Promise<number> {
  const dataDir = mkdtempSync(join(tmpdir(), "weftline-check-"));
  try {
    const missing = await withDatabase({ file, config: { ...config, dataDir } }, async (database) => {
      await runMigrations(database);
      return missingStatements(database);
    });
    for (const statement of missing) cli.terminal.out(`${statement}\n`);
    if (missing.length === 0) return exitCodes.ok;
    cli.terminal.say(
      `${cli.terminal.paint("red", "✗")} The entities declare what no migration makes.\n  → weftline migrate new --plugin <id>`,
    );
    return exitCodes.migration;
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface NewOptions {
  readonly plugin: string;
  readonly name: string;
  readonly folder?: string;
  readonly initial?: true;
}

async function writeNew(cli: Cli, { config }: LoadedConfig, options: NewOptions): Promise<void> {
  const { kernel, composition } = await composePlatform({ ...config, logLevel: "silent" });
  const { plugin: id, initial } = options;
  const plugin = kernel.plugins.find(({ spec }) => spec.id === id);
  if (!plugin) throw new WeftlineError("NOT_FOUND", { what: `plugin "${id}" in the configuration`, fix: "List it under plugins first." });
  const name = initial && options.name === "change" ? "initial" : options.name;
  if (!/^[a-z][a-z0-9_]*$/.test(name))
    throw new WeftlineError("INVALID_INPUT", { message: `The name "${name}" is not snake_case.`, fix: "Use a-z, 0-9 and _." });
  const written = await writeMigration({
    entities: composition.entities,
    own: (plugin.spec.entities ?? []) as readonly OwnedEntity[],
    folder: options.folder === undefined ? folderOf(id) : resolve(options.folder),
    name,
    mode: initial ? "initial" : "next",
  });
  if (!written) {
    cli.terminal.say(`The entities of "${id}" have not changed since its last migration.`);
    return;
  }
  for (const statement of written.statements) cli.terminal.say(statement);
  cli.terminal.out(`${written.file}\n`);
}

function folderOf(id: string): string {
  const folder = resolve(coreFolders[id] ?? join("src/plugins", id));
  if (existsSync(folder)) return join(folder, "migrations");
  throw new WeftlineError("NOT_FOUND", { what: `folder ${folder}`, fix: "Name the folder of the plugin's migrations with --folder." });
}
