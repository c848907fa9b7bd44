import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrewEngine } from "../engine.ts";

/** Every package of CrewAI's, in exact versions with their hashes. */
export const lockFile = fileURLToPath(new URL("./requirements.lock", import.meta.url));

/** What makes a broken or missing installation whole. */
export const installFix = "Run: npx weftline plugins install crewai";

export type InstallationState = "notInstalled" | "installing" | "ready" | "broken";

/** CrewAI for Python as it stands on this machine. */
export interface Installation {
  readonly state: () => InstallationState;
  /** The interpreter that has it. */
  readonly python: () => string;
  /** Of CrewAI; nothing where there is none. */
  readonly version: () => string | undefined;
  readonly standing: CrewEngine["standing"];
}

/** Where things stand in the home of an installation. */
export function placesIn(home: string) {
  return { environment: join(home, "python"), installing: join(home, "installing") };
}

/**
 * Looks at an installation, anew at each question and without starting anything.
 *
 * @param python an interpreter of the user's own that has CrewAI, in place of the one that is installed to the home.
 */
export function installationAt(home: string, python: string | undefined): Installation {
  const { environment } = placesIn(home);
  const interpreter = python ?? interpreterIn(environment);
  const version = (): string | undefined => crewaiIn(dirname(dirname(interpreter)));
  const state = (): InstallationState => {
    if (process.platform === "win32") return "notInstalled";
    if (existsSync(interpreter) && (python === undefined ? version() === pinnedVersion() : version() !== undefined)) return "ready";
    if (isInstalling(home)) return "installing";
    return python !== undefined || existsSync(environment) ? "broken" : "notInstalled";
  };
  return { state, python: () => interpreter, version, standing: () => standingOf(home, state(), version()) };
}

/** The interpreter of a virtual environment. */
export function interpreterIn(environment: string): string {
  return join(environment, "bin", "python");
}

/** The version that this plugin was made for. */
export function pinnedVersion(): string {
  return /^crewai==(\S+)/m.exec(readFileSync(lockFile, "utf8"))?.[1] ?? "";
}

/** The version of CrewAI in a virtual environment. */
export function crewaiIn(environment: string): string | undefined {
  const lib = join(environment, "lib");
  if (!existsSync(lib)) return undefined;
  for (const python of readdirSync(lib)) {
    const packages = join(lib, python, "site-packages");
    const found = existsSync(packages) ? readdirSync(packages).flatMap((name) => /^crewai-(.+)\.dist-info$/.exec(name)?.[1] ?? []) : [];
    if (found[0] !== undefined) return found[0];
  }
  return undefined;
}

function standingOf(home: string, state: InstallationState, version: string | undefined): ReturnType<CrewEngine["standing"]> {
  switch (state) {
    case "ready":
      return { ready: true };
    case "installing":
      return { ready: false, reason: "CrewAI for Python is being installed.", fix: waitFix(home) };
    case "broken":
      return {
        ready: false,
        reason: `CrewAI for Python does not stand as it should: ${version ?? "none"} instead of ${pinnedVersion()}.`,
        fix: installFix,
      };
    case "notInstalled":
      return {
        ready: false,
        ...(process.platform === "win32" ? noFork : { reason: "CrewAI for Python is not installed.", fix: installFix }),
      };
  }
}

/** What to do while somebody else installs. */
export function waitFix(home: string): string {
  return `Wait until it is done. If nobody installs it, remove ${placesIn(home).installing}`;
}

/** Why there is no CrewAI on Windows. */
export const noFork = {
  reason: "CrewAI for Python needs processes that can fork, which Windows has not.",
  fix: "Run Weftline on Linux, macOS or WSL.",
};

/** Whether a process that lives installs to a home. */
export function isInstalling(home: string): boolean {
  return installersIn(home).some(isAlive);
}

/** The processes that have taken a home, by their ids, and what those that were killed have left. */
export function installersIn(home: string): readonly string[] {
  try {
    return readdirSync(placesIn(home).installing);
  } catch {
    return [];
  }
}

/** Whether a process lives, also one of another user's. */
export function isAlive(id: string): boolean {
  // Zero and below are no process but groups of them, one's own among them.
  if (!(Number(id) > 0)) return false;
  try {
    return process.kill(Number(id), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
