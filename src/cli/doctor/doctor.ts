import { resolve } from "node:path";
import type { Command } from "commander";
import { composePlatform } from "../../core/platform.ts";
import { loadConfig, type LoadedConfig } from "../config-file.ts";
import { exitCodes } from "../exit.ts";
import { countText } from "../sizes.ts";
import type { Cli, Terminal } from "../terminal.ts";
import { findingsOf, ok, thrown, type Check, type Finding, type Patient } from "./check.ts";
import { databaseCheck, lockCheck, schemaCheck, secretsCheck, stampCheck } from "./database.ts";
import { filesCheck } from "./files.ts";
import { diskCheck, folderCheck } from "./folder.ts";
import { addressCheck, bootCheck } from "./host.ts";
import { clockCheck, packagesCheck, runtimeCheck } from "./machine.ts";
import { installedCheck, pluginFindings } from "./plugins.ts";

interface Options {
  readonly data?: string;
  readonly json?: true;
  readonly fix?: true;
  readonly online?: true;
  readonly thorough?: true;
}

/** Adds `doctor`: looks at all that a server needs, also beside one that runs and where nothing works. */
export function addDoctor(program: Command, cli: Cli): void {
  program
    .command("doctor")
    .description("look at all that a server needs and say what to do; exits 1 on errors")
    .option("--data <folder>", "the folder of the database and of files")
    .option("--fix", "mend what is safe to mend: modes of files, a restore that was lost on its way")
    .option("--online", "also set plugins up on an empty folder, and call model providers and MCP servers")
    .option("--thorough", "read all of the database and of the files")
    .option("--json", "print the findings as JSON")
    .action(async (options: Options) => {
      cli.exitCode = await examine(cli, program.opts()["config"], options);
    });
}

const checks: readonly Check[] = [
  runtimeCheck,
  packagesCheck,
  clockCheck,
  bootCheck,
  addressCheck,
  folderCheck,
  diskCheck(),
  lockCheck,
  databaseCheck,
  schemaCheck,
  stampCheck,
  secretsCheck,
  filesCheck,
  installedCheck,
];

async function examine({ terminal }: Cli, named: string | undefined, options: Options): Promise<number> {
  const report = options.json ? () => undefined : (found: readonly Finding[]) => found.forEach((finding) => sayFinding(terminal, finding));
  const { patient, findings } = await admit(named, options);
  report(findings);
  for (const { name, run } of checks) {
    const found = await findingsOf(name, () => run(patient));
    findings.push(...found);
    report(found);
  }
  const ofPlugins = await pluginFindings(patient);
  findings.push(...ofPlugins);
  report(ofPlugins);
  const count = (status: Finding["status"]): number => findings.filter((finding) => finding.status === status).length;
  const status = count("error") > 0 ? "error" : count("warning") > 0 ? "warning" : "ok";
  if (options.json) terminal.out(`${JSON.stringify({ v: 1, status, findings })}\n`);
  else terminal.say(`\n${countText(count("error"), "error")}, ${countText(count("warning"), "warning")}.`);
  return status === "error" ? exitCodes.failed : exitCodes.ok;
}

/** Reads as much of the host as can be read. */
async function admit(named: string | undefined, options: Options): Promise<{ readonly patient: Patient; readonly findings: Finding[] }> {
  const findings: Finding[] = [];
  const note =
    (check: string) =>
    (error: unknown): undefined => {
      findings.push(...thrown(error).map((finding) => ({ check, ...finding })));
      return undefined;
    };
  const loaded: LoadedConfig | undefined = await loadConfig(named).catch(note("configuration"));
  if (loaded) findings.push({ check: "configuration", ...ok(loaded.file) });
  const dataDir = resolve(options.data ?? loaded?.config.dataDir ?? (process.env["WEFTLINE_DATA"] || "data"));
  const config = loaded && { ...loaded.config, dataDir, logLevel: "silent" as const };
  const composed = config && (await composePlatform(config).catch(note("plugins")));
  if (composed) findings.push({ check: "plugins", ...ok(`${countText(composed.kernel.plugins.length, "plugin")} load and fit together`) });
  const patient: Patient = {
    config,
    configFile: loaded?.file,
    kernel: composed?.kernel,
    composition: composed?.composition,
    dataDir,
    network: options.online ? "asked for" : "off",
    repair: options.fix ? "asked for" : "off",
    depth: options.thorough ? "thorough" : "quick",
  };
  return { patient, findings };
}

const marks = { ok: ["green", "✓"], warning: ["yellow", "!"], error: ["red", "✗"] } as const;

function sayFinding(terminal: Terminal, { check, status, detail, fix }: Finding): void {
  const [style, mark] = marks[status];
  terminal.say(`${terminal.paint(style, mark)} ${check.padEnd(14)} ${detail}`);
  if (fix !== undefined) terminal.say(`  → ${fix}`);
}
