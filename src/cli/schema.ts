import { readFileSync, writeFileSync } from "node:fs";
import { diff } from "node:util";
import type { Command } from "commander";
import { WeftlineError, messageOf } from "../core/errors.ts";
import { printGraph } from "../core/graphql/schema.ts";
import { composePlatform } from "../core/platform.ts";
import { loadConfig } from "./config-file.ts";
import { exitCodes } from "./exit.ts";
import type { Cli } from "./terminal.ts";

/** How many differing lines a failed check shows. */
const shownLines = 20;

export function addSchema(program: Command, cli: Cli): void {
  const schema = program.command("schema").description("print the graph or compare it; needs no key, network or database");
  schema
    .command("print")
    .description("print the graph, sorted")
    .option("--out <file>", "write it to a file instead")
    .action(async ({ out }: { out?: string }) => {
      const text = await printed(program);
      if (out === undefined) cli.terminal.out(text);
      else writeFileSync(out, text);
    });
  schema
    .command("check")
    .description("compare the graph with a file; exits 4 where they differ")
    .option("--file <file>", "the file", "schema.graphql")
    .action(async ({ file }: { file: string }) => {
      cli.exitCode = compare(cli, file, read(file), await printed(program));
    });
}

async function printed(program: Command): Promise<string> {
  const { config } = await loadConfig(program.opts()["config"]);
  const { composition } = await composePlatform({ ...config, logLevel: "silent" });
  return printGraph(composition.schema);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new WeftlineError(
      "NOT_FOUND",
      { what: `file ${file}`, message: messageOf(error), fix: `Run: weftline schema print --out ${file}` },
      { cause: error },
    );
  }
}

function compare(cli: Cli, file: string, then: string, now: string): number {
  const changed = diff(now.split("\n"), then.split("\n")).filter(([operation]) => operation !== 0);
  if (changed.length === 0) return exitCodes.ok;
  const { terminal } = cli;
  terminal.say(`${terminal.paint("red", "✗")} ${file} differs from the graph of the plugins in ${changed.length} lines:`);
  for (const [operation, line] of changed.slice(0, shownLines)) {
    terminal.say(operation === 1 ? terminal.paint("green", `  + ${line}`) : terminal.paint("red", `  - ${line}`));
  }
  if (changed.length > shownLines) terminal.say(`  … and ${changed.length - shownLines} more`);
  terminal.say(`  → weftline schema print --out ${file}`);
  return exitCodes.checkFailed;
}
