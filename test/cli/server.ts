import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { root } from "./terminal.ts";

/** A command that runs in a process of its own. */
export interface Running {
  readonly child: ChildProcess;
  /** Standard error so far. */
  said(): string;
  /** Standard output so far. */
  out(): string;
  /** Resolves when standard error matches; what follows an earlier match counts only. @throws where the process ends first. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** @returns the exit code, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
}

/** Starts a command of the program, or another file of the repository. */
export function spawnCli(
  args: readonly string[],
  { cwd, file = "src/cli/main.ts" }: { readonly cwd: string; readonly file?: string },
): Running {
  return follow(process.execPath, [join(root, file), ...args], { cwd });
}

/** Starts any command and follows what it says. */
export function follow(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Running {
  const { npm_lifecycle_event: _, ...inherited } = process.env;
  const child = spawn(command, args, {
    cwd,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const text = { out: "", said: "" };
  let read = 0;
  const listeners = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => void (text.out += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text.said += chunk;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? 0)));
  return {
    child,
    said: () => text.said,
    out: () => text.out,
    ended,
    until: (pattern) => {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const look = (): void => {
        const match = pattern.exec(text.said.slice(read));
        if (!match) return;
        read += match.index + match[0].length;
        listeners.delete(look);
        resolve(match);
      };
      listeners.add(look);
      void ended.then((code) => reject(new Error(`It ended with ${code}:\n${text.said}`)));
      look();
      return promise;
    },
  };
}

/** Where a server says that it is. */
export async function urlOf(running: Running): Promise<string> {
  return (await running.until(/(http:\/\/\S+\/graphql) by HTTP/))[1] ?? "";
}

/** Ends a command and whatever it started: each is the leader of a process group of its own. */
export async function killTree({ child, ended }: Running): Promise<void> {
  try {
    process.kill(-(child.pid ?? 0), "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
  await ended;
}

/** Asks a server for data. */
export async function ask(url: string, query: string): Promise<unknown> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ query }) });
  return response.json();
}
