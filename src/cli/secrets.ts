import { existsSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { WeftlineError } from "../core/errors.ts";
import { composePlatform, connectDatabase, keyRingOf } from "../core/platform.ts";
import { generateKey } from "../core/sealed/keys.ts";
import { createSealedValues } from "../core/sealed/sealed-values.ts";
import { loadConfig } from "./config-file.ts";
import { exitCodes } from "./exit.ts";
import type { Cli } from "./terminal.ts";

export function addSecrets(program: Command, cli: Cli): void {
  const secrets = program.command("secrets").description("keys of what is kept sealed");
  secrets
    .command("generate-key")
    .description("print a new key for WEFTLINE_SECRET_KEY")
    .option("--file <file>", "write it to a new file that only this user may read, for WEFTLINE_SECRET_KEY_FILE")
    .action(({ file }: { readonly file?: string }) => writeKey(cli, file));
  secrets
    .command("rotate")
    .description("seal everything with the first key; it may be broken off and repeated. Stop the server first")
    .action(async () => {
      cli.exitCode = await rotate(cli, program.opts()["config"]);
    });
}

function writeKey({ terminal }: Cli, file: string | undefined): void {
  if (file === undefined) return terminal.out(`${generateKey()}\n`);
  if (existsSync(file)) throw new WeftlineError("CONFLICT", { message: `${file} is there already.`, fix: "Name a new file." });
  writeFileSync(file, `${generateKey()}\n`, { flag: "wx", mode: 0o600 });
  terminal.say(
    `${terminal.paint("green", "✓")} Wrote ${file}. Set WEFTLINE_SECRET_KEY_FILE to it, and keep a copy apart from backups of the data.`,
  );
}

async function rotate({ terminal }: Cli, named: string | undefined): Promise<number> {
  const { config } = await loadConfig(named);
  const { composition } = await composePlatform({ ...config, logLevel: "silent" });
  const database = connectDatabase(config, composition);
  try {
    const { resealed, failed } = await createSealedValues(database, keyRingOf(config)).rotate();
    for (const { id, error } of failed) terminal.say(`${terminal.paint("red", "✗")} ${id}: ${error.message}\n  → ${error.fix}`);
    terminal.say(`${terminal.paint("green", "✓")} Sealed ${resealed} with the first key.`);
    return failed.length === 0 ? exitCodes.ok : exitCodes.failed;
  } finally {
    await database.close();
  }
}
