import { spawn, type ChildProcess } from "node:child_process";
import { watch, type FSWatcher } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Terminal } from "./terminal.ts";

/** Editors write a file in several steps; this long (milliseconds) after the last one it is taken to be saved. */
const settleMs = 100;
/** How long a server may take to close before it is killed, in milliseconds. */
const closeMs = 5_000;
const codeFile = /\.(ts|mts|js|mjs|cjs|json)$/;

interface Supervision {
  readonly terminal: Terminal;
  /** Ends it, and the server with it. */
  readonly signal: AbortSignal;
}

/** Runs the server with these arguments; starts it again whenever code beside what it has loaded changes, until the signal. */
export async function supervise(args: readonly string[], { terminal, signal }: Supervision): Promise<void> {
  const folders = new WatchedFolders();
  const stopped = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  while (!signal.aborted) {
    const changed = folders.nextChange();
    const server = startServer(args, (file) => folders.add(dirname(file)));
    void server.exited.then((code) =>
      terminal.say(terminal.paint("yellow", `The server ended with ${code}. It starts again at the next change.`)),
    );
    const file = await Promise.race([changed, stopped]);
    if (file !== undefined) terminal.say(terminal.paint("dim", `${basename(file)} changed.`));
    await server.stop();
  }
  folders.close();
}

interface Server {
  /** With the exit code, where it ended by itself. */
  readonly exited: Promise<number | NodeJS.Signals>;
  stop(): Promise<void>;
}

function startServer(args: readonly string[], onLoaded: (file: string) => void): Server {
  const script = (name: string): string => fileURLToPath(new URL(`./${name}${extname(import.meta.url)}`, import.meta.url));
  const child = spawn(process.execPath, ["--import", script("report-loaded"), script("main"), "start", ...args], {
    stdio: ["ignore", 2, 2, "ipc"],
  });
  child.on("message", ({ loaded }: { loaded: string }) => onLoaded(fileURLToPath(loaded)));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once("exit", (code, signal) => resolve(code ?? signal ?? 0)));
  let stopping: "no" | "yes" = "no";
  return {
    exited: new Promise((resolve) => void ended.then((code) => (stopping === "no" ? resolve(code) : undefined))),
    stop: async () => {
      stopping = "yes";
      await end(child, ended);
    },
  };
}

async function end(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), closeMs);
  await ended;
  clearTimeout(timer);
}

/** Watches folders rather than files: editors replace a file when they save it, and a missing one may yet come. */
class WatchedFolders {
  readonly #watchers = new Map<string, FSWatcher>();
  #resolve: (file: string) => void = () => undefined;
  #settling: NodeJS.Timeout | undefined;

  add(folder: string): void {
    if (this.#watchers.has(folder)) return;
    const watcher = watch(folder, (_, name) => {
      if (name !== null && codeFile.test(name)) this.#changed(join(folder, name));
    });
    watcher.on("error", () => this.#watchers.delete(folder));
    this.#watchers.set(folder, watcher);
  }

  /** Resolves with the file that changes next. */
  nextChange(): Promise<string> {
    clearTimeout(this.#settling);
    return new Promise((resolve) => (this.#resolve = resolve));
  }

  close(): void {
    clearTimeout(this.#settling);
    for (const watcher of this.#watchers.values()) watcher.close();
  }

  #changed(file: string): void {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#resolve(file), settleMs);
  }
}
