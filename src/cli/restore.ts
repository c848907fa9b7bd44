import { resolve } from "node:path";
import type { Command } from "commander";
import { restoreBackup, type Restored } from "../core/backup/restore-backup.ts";
import type { WeftlineConfig } from "../core/config.ts";
import { WeftlineError } from "../core/errors.ts";
import { composePlatform, keyRingOf } from "../core/platform.ts";
import { loadConfig } from "./config-file.ts";
import { keptByPlugin } from "./kept.ts";
import { showProgress } from "./show-progress.ts";
import { interruptSignal } from "./signals.ts";
import { countText } from "./sizes.ts";
import type { Cli, Terminal } from "./terminal.ts";

interface Options {
  readonly data?: string;
  readonly replace?: true;
  readonly json?: true;
}

/** Adds `restore`: a backup becomes the data folder of the next start. */
export function addRestore(program: Command, cli: Cli): void {
  program
    .command("restore")
    .description("check a backup and put it back; stop the server first")
    .argument("<folder>", "the folder that weftline backup made")
    .option("--data <folder>", "the folder to put it in, empty or with --replace")
    .option("--replace", "put it in the place of the data that is there, which stays until all is checked")
    .option("--json", "print what was put back as JSON")
    .action((folder: string, options: Options) => restore(cli, program.opts()["config"], resolve(folder), options));
}

async function restore({ terminal }: Cli, named: string | undefined, backup: string, { data, replace, json }: Options): Promise<void> {
  const loaded = await loadConfig(named);
  const config: WeftlineConfig = { ...loaded.config, ...(data === undefined ? {} : { dataDir: data }), logLevel: "silent" };
  const dataDir = config.dataDir ?? "data";
  const { kernel, composition } = await composePlatform(config);
  const show = showProgress(terminal);
  const ended = new AbortController();
  try {
    const restored = await restoreBackup({
      backup,
      dataDir,
      kept: keptByPlugin(kernel.registry),
      level: {
        migrations: composition.migrations.map(({ name }) => name),
        plugins: kernel.plugins.map(({ spec }) => spec.id),
      },
      present: replace ? "replaced" : "refused",
      signal: interruptSignal(ended.signal),
      progress: ({ what, percent }) => show.step({ what, done: percent, total: 100 }),
    });
    show.end("Done");
    const missingKeys = restored.manifest.secretKeys.filter((id) => !hasKey(config, id));
    if (json) terminal.out(`${JSON.stringify({ v: 1, dataDir: resolve(dataDir), missingKeys, ...restored })}\n`);
    else sayRestored(terminal, { ...restored, missingKeys, dataDir: resolve(dataDir), pending: pendingCount(restored, composition) });
  } catch (error) {
    show.end("Stopped");
    throw error;
  } finally {
    ended.abort();
  }
}

function pendingCount({ manifest }: Restored, { migrations }: { readonly migrations: readonly { readonly name: string }[] }): number {
  const ran = new Set(manifest.migrations);
  return migrations.filter(({ name }) => !ran.has(name)).length;
}

function hasKey(config: WeftlineConfig, id: string): boolean {
  try {
    return keyRingOf(config).opening(id) !== undefined;
  } catch (error) {
    if (error instanceof WeftlineError) return false;
    throw error;
  }
}

interface Told extends Restored {
  readonly dataDir: string;
  readonly missingKeys: readonly string[];
  readonly pending: number;
}

/** What the next start does with it, before anybody is surprised by it. */
function sayRestored(terminal: Terminal, { manifest, unlisted, dataDir, missingKeys, pending }: Told): void {
  const { counts, createdAt, weftline } = manifest;
  const warn = terminal.paint("yellow", "!");
  terminal.say(`${terminal.paint("green", "✓")} Put back in ${dataDir}: the state of ${createdAt}, by Weftline ${weftline}.`);
  terminal.say("  At the next start:");
  terminal.say(
    `  - Positions in ${countText(counts.streams, "stream")} go up by 1,048,576. Clients with an earlier one get a snapshot, and go on from there.`,
  );
  if (counts.openRuns > 0)
    terminal.say(
      `  - What had not ended at that moment goes on: ${countText(counts.openRuns, "run")}. What was done since may be done again.`,
    );
  if (pending > 0) terminal.say(`  - To be applied: ${countText(pending, "migration")}. In production run this first: weftline migrate up`);
  if (missingKeys.length > 0)
    terminal.say(
      `${warn} Sealed in it: ${countText(counts.secrets, "secret")}. No key with the id ${missingKeys.join(", ")} is configured here: add it to WEFTLINE_SECRET_KEY, or put the key file secret.key back in ${dataDir}.`,
    );
  if (unlisted.length > 0)
    terminal.say(
      `${warn} The backup has tables of plugins that the configuration does not list: ${unlisted.join(", ")}. They are left alone.`,
    );
}
