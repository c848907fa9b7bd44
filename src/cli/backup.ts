import { resolve } from "node:path";
import type { Command } from "commander";
import type { BackupManifest } from "../core/backup/manifest.ts";
import { takeBackup } from "../core/backup/take-backup.ts";
import { loadPlugins } from "../core/platform.ts";
import { version } from "../core/version.ts";
import { loadConfig } from "./config-file.ts";
import { keptByPlugin } from "./kept.ts";
import { showProgress } from "./show-progress.ts";
import { interruptSignal } from "./signals.ts";
import { countText, sizeText } from "./sizes.ts";
import type { Cli, Terminal } from "./terminal.ts";

interface Options {
  readonly data?: string;
  readonly json?: true;
}

/** Adds `backup`: a copy of the data folder as it is at one moment, also while the server runs. */
export function addBackup(program: Command, cli: Cli): void {
  program
    .command("backup")
    .description("copy the database and the files into a new folder, also while the server runs")
    .argument("<folder>", "the folder of the backup, which is not there yet")
    .option("--data <folder>", "the folder of the database and of files")
    .option("--json", "print what the backup holds as JSON")
    .action((folder: string, options: Options) => backUp(cli, program.opts()["config"], resolve(folder), options));
}

async function backUp({ terminal }: Cli, named: string | undefined, target: string, { data, json }: Options): Promise<void> {
  const { config } = await loadConfig(named);
  const { registry } = await loadPlugins({ ...config, logLevel: "silent" });
  const show = showProgress(terminal);
  const ended = new AbortController();
  const start = performance.now();
  try {
    const manifest = await takeBackup({
      dataDir: data ?? config.dataDir ?? "data",
      target,
      kept: keptByPlugin(registry),
      version,
      signal: interruptSignal(ended.signal),
      progress: ({ what, percent }) => show.step({ what, done: percent, total: 100 }),
    });
    show.end("Done");
    if (json) terminal.out(`${JSON.stringify({ v: 1, target, ...manifest })}\n`);
    else sayWhole(terminal, { manifest, target, ms: performance.now() - start });
  } catch (error) {
    show.end("Stopped");
    throw error;
  } finally {
    ended.abort();
  }
}

interface Whole {
  readonly manifest: BackupManifest;
  readonly target: string;
  readonly ms: number;
}

function sayWhole(terminal: Terminal, { manifest, target, ms }: Whole): void {
  const { database, files, counts, secretKeys } = manifest;
  const all = Object.values(files);
  const sum = (of: "count" | "bytes" | "unsound"): number => all.reduce((total, each) => total + each[of], 0);
  const size = `${sizeText(database.bytes)} of database, ${countText(sum("count"), "file")} of ${sizeText(sum("bytes"))}`;
  terminal.say(`${terminal.paint("green", "✓")} Backed up to ${target}: ${size}, ${(ms / 1_000).toFixed(1)} s.`);
  terminal.say(`  To put it back: weftline restore ${target}`);
  const warn = terminal.paint("yellow", "!");
  if (sum("unsound") > 0)
    terminal.say(`${warn} Lost or damaged before it was made: ${countText(sum("unsound"), "file")}. weftline doctor names them.`);
  if (counts.secrets > 0)
    terminal.say(
      `${warn} Sealed in it: ${countText(counts.secrets, "secret")}. The backup does not hold ${keysText(secretKeys)}: keep a copy apart.`,
    );
}

function keysText(ids: readonly string[]): string {
  return ids.length === 1 ? `the key ${ids[0]}` : `the keys ${ids.join(", ")}`;
}
