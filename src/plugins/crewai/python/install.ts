import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, WeftlineError, type InstallContext, type Installer } from "#weftline";
import type { CrewaiConfig } from "../config.ts";
import { installFailure, Said } from "./install-failure.ts";
import {
  crewaiIn,
  installFix,
  installationAt,
  installersIn,
  interpreterIn,
  isAlive,
  isInstalling,
  lockFile,
  noFork,
  pinnedVersion,
  placesIn,
  waitFix,
} from "./installation.ts";

/** The Pythons that CrewAI and the lock are for. */
const pythons = ["python3.13", "python3.12", "python3.11", "python3"];
const wanted = ">=3.11,<3.14";

type Run = (command: string, args: readonly string[], heard?: (line: string) => void) => Promise<void>;

/** CrewAI for Python, in a virtual environment of its own, every package by its hash. */
export const crewaiInstaller: Installer = {
  description: "CrewAI for Python, some 900 MB",
  check: ({ config, folder }) => {
    const { home = folder, python } = config as CrewaiConfig;
    const installation = installationAt(home, python);
    const { ready, reason = "", fix = "" } = installation.standing();
    return ready
      ? { state: "ready", detail: `CrewAI ${installation.version()} is ready at ${installation.python()}` }
      : { state: "missing", detail: `${reason} ${fix}` };
  },
  install: async (ctx) => {
    const { home = ctx.folder } = ctx.config as CrewaiConfig;
    const { environment } = placesIn(home);
    // Of this process alone: what one that was killed has started may still write to its own.
    const unfinished = `${environment}.${process.pid}`;
    if (process.platform === "win32") throw new WeftlineError("UNAVAILABLE", { what: "CrewAI for Python", ...noFork });
    await begin(home);
    try {
      await tidy(home);
      await build(unfinished, ctx);
      // What stands under its name is whole, at every moment: a broken installation never looks like one that works.
      if (existsSync(environment)) await rename(environment, previous(environment));
      await rename(unfinished, environment);
      return `CrewAI ${crewaiIn(environment)} is installed at ${environment}`;
    } finally {
      await tidy(home);
      await end(home);
    }
  },
};

/** Where an installation stands aside for the moment in which another one takes its name. */
const previous = (environment: string): string => `${environment}.0`;

/** Takes the home for this process. @throws CONFLICT while another one installs to it, UNAVAILABLE where it cannot be written */
async function begin(home: string): Promise<void> {
  const busy = (): WeftlineError =>
    new WeftlineError("CONFLICT", { message: "CrewAI is being installed by another process.", fix: waitFix(home) });
  if (isInstalling(home)) throw busy();
  try {
    await mkdir(home, { recursive: true });
    if (!(await take(home))) throw busy();
  } catch (error) {
    throw error instanceof WeftlineError ? error : installFailure(messageOf(error));
  }
}

/**
 * A folder with the id of this process in it gets the name that stands for the home. The system lets that happen in one step, and only
 * where there is none of that name or an empty one. So what a dead process has left is taken out of it, by the dead one's id: that never
 * takes away what another process has put there since.
 */
async function take(home: string): Promise<boolean> {
  const { installing } = placesIn(home);
  const claim = `${installing}.${randomUUID()}`;
  try {
    await mkdir(claim);
    await writeFile(join(claim, String(process.pid)), "");
    const dead = installersIn(home).filter((id) => !isAlive(id));
    await Promise.all(dead.map((id) => rm(join(installing, id), { force: true })));
    await rename(claim, installing);
    return true;
  } catch (error) {
    // The last of them: whoever has the home has tidied this claim away.
    if (["ENOTEMPTY", "EEXIST", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  } finally {
    await rm(claim, { recursive: true, force: true });
  }
}

/** Gives the home back. */
async function end(home: string): Promise<void> {
  const { installing } = placesIn(home);
  await rm(join(installing, String(process.pid)), { force: true });
  await rmdir(installing).catch(() => "another process has taken it already");
}

/** Puts back the installation that nothing has come in place of, and removes what was left unfinished. */
async function tidy(home: string): Promise<void> {
  const { environment } = placesIn(home);
  if (!existsSync(environment) && existsSync(previous(environment))) await rename(previous(environment), environment);
  const found = (await readdir(home)).filter((name) => /^(python\.\d+|installing\..+)$/.test(name));
  await Promise.all(found.map((name) => rm(join(home, name), { recursive: true, force: true })));
}

async function build(environment: string, ctx: InstallContext): Promise<void> {
  const total = (await readFile(lockFile, "utf8")).match(/^[\w.[\]-]+==/gm)?.length ?? 1;
  let done = 0;
  const tell = (what: string): void => ctx.progress({ what, done: Math.min(done, total), total });
  const heard = (line: string): void => {
    const [, name] = /^\s*(?:Downloading|Downloaded|Collecting|Building) ([\w.-]+)/.exec(line) ?? [];
    if (name === undefined) return;
    done += 1;
    tell(fetching);
  };
  const fetching = "Fetching and installing the packages of CrewAI";
  const run: Run = (command, args, each) => runOne(command, args, ctx.signal, each);
  tell("Making a virtual environment");
  const python = interpreterIn(environment);
  if (await answers(run, "uv", ["--version"])) {
    await run("uv", ["venv", "--quiet", "--python", wanted, environment]);
    tell(fetching);
    await run("uv", ["pip", "install", "--python", python, "--require-hashes", "-r", lockFile], heard);
  } else {
    await run(await systemPython(run), ["-m", "venv", environment]);
    tell(fetching);
    await run(python, ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--require-hashes", "-r", lockFile], heard);
  }
  done = total;
  tell("Trying it");
  await run(python, ["-I", "-c", `import crewai; assert crewai.__version__ == "${pinnedVersion()}"`]);
}

async function systemPython(run: Run): Promise<string> {
  for (const python of pythons) {
    if (await answers(run, python, ["-c", "import sys, venv; assert (3, 11) <= sys.version_info[:2] < (3, 14)"])) return python;
  }
  const reason = "there is neither uv nor a Python from 3.11 to 3.13 with venv.";
  throw new WeftlineError("UNAVAILABLE", { what: "Python", reason, fix: `Install one of them. ${installFix}` });
}

async function answers(run: Run, command: string, args: readonly string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  );
}

/** @throws UNAVAILABLE with what the command said of its failure. */
function runOne(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
  heard: (line: string) => void = () => undefined,
): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], signal });
  const said = new Said();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      said.hear(line);
      heard(line);
    });
  }
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(installFailure(signal.aborted ? "it was stopped before its end." : reason));
    child.once("error", (error) => fail(messageOf(error)));
    child.once("close", (code) => (code === 0 ? resolve() : fail(`${command} ended with ${code}: ${String(said)}`)));
  });
}
