import { resolve } from "node:path";
import type { Command } from "commander";
import { WeftlineError } from "../core/errors.ts";
import { installers, type InstallContext, type Installer } from "../core/installers.ts";
import { loadPlugins } from "../core/platform.ts";
import { loadConfig } from "./config-file.ts";
import { exitCodes } from "./exit.ts";
import { showProgress } from "./show-progress.ts";
import { interruptSignal } from "./signals.ts";
import type { Cli } from "./terminal.ts";

/** Adds `plugins install`: what plugins need beside the package is brought here, never while the server is asked something. */
export function addPlugins(program: Command, cli: Cli): void {
  program
    .command("plugins")
    .description("bring what plugins need beside the package, as CrewAI for Python")
    .command("install")
    .description("install what a plugin needs, or see how it stands")
    .argument("<plugin>", "the plugin's id, as in crewai")
    .option("--check", "only say how it stands; exits 4 where something is missing")
    .option("--data <folder>", "the folder of the database and of files")
    .action(async (plugin: string, { check, data }: { check?: true; data?: string }) => {
      const { installer, ...place } = await found(program, plugin, data);
      cli.exitCode = check ? await checked(cli, installer, place) : await installed(cli, installer, place);
    });
}

type Place = Pick<InstallContext, "config" | "folder">;

async function found(program: Command, plugin: string, data: string | undefined): Promise<Place & { readonly installer: Installer }> {
  const { config } = await loadConfig(program.opts()["config"]);
  const kernel = await loadPlugins({ ...config, logLevel: "silent" });
  const all = kernel.registry.contributions(installers);
  const { value: installer, plugin: owner = "" } = all.get(plugin) ?? {};
  if (installer) {
    const own = kernel.plugins.find(({ spec }) => spec.id === owner)?.config;
    return { installer, config: own, folder: resolve(data ?? config.dataDir ?? "data", owner) };
  }
  const fix =
    all.size === 0 ? "No plugin of the configuration needs anything." : `There is something to install for: ${[...all.keys()].join(", ")}.`;
  throw new WeftlineError("NOT_FOUND", { what: `installer of a plugin "${plugin}"`, fix });
}

async function checked({ terminal }: Cli, installer: Installer, place: Place): Promise<number> {
  const { state, detail } = await installer.check(place);
  const mark = state === "ready" ? terminal.paint("green", "✓") : terminal.paint("red", "✗");
  terminal.say(`${mark} ${detail}`);
  return state === "ready" ? exitCodes.ok : exitCodes.checkFailed;
}

async function installed({ terminal }: Cli, installer: Installer, place: Place): Promise<number> {
  const show = showProgress(terminal);
  try {
    const detail = await installer.install({ ...place, signal: interruptSignal(), progress: show.step });
    show.end("Done");
    terminal.say(`${terminal.paint("green", "✓")} ${detail}`);
    return exitCodes.ok;
  } catch (error) {
    show.end("Stopped");
    throw error;
  }
}
