import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { WeftlineError, type Logger } from "#weftline";
import { pythonEnvironment } from "./environment.ts";
import { Peer } from "./peer.ts";
import { lastWords } from "./last-words.ts";

/** How the process that loads CrewAI is started. */
export interface NurseryOptions {
  /** The interpreter. */
  readonly python: () => string;
  /** Where it may keep files. */
  readonly home: string;
  readonly startTimeoutMs: number;
  /** How long it stays when no run needs it. */
  readonly idleMs: number;
  readonly log: Logger;
}

/** A loaded CrewAI, ready to fork. */
interface Loaded {
  readonly child: ChildProcess;
  readonly peer: Peer;
  readonly exits: Map<number, (code: number) => void>;
}

const main = fileURLToPath(new URL("./worker/main.py", import.meta.url));

/**
 * One process that has CrewAI loaded, started when the first run needs it, and forked for each run. Loading takes seconds and some 250 MB;
 * a fork takes milliseconds and shares the memory.
 */
export class Nursery {
  readonly #options: NurseryOptions;
  #loading: Promise<Loaded> | undefined;
  #users = 0;
  #closed = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: NurseryOptions) {
    this.#options = options;
  }

  /** What an end that nobody here wanted is: a loss, unless the host closes and the run goes on elsewhere. */
  lossOf(exit: number | string, problem: string): WeftlineError {
    return this.#closed ? new WeftlineError("SHUTTING_DOWN") : new WeftlineError("WORKER_LOST", { plugin: "crewai", exit, problem });
  }

  /**
   * Forks a process that connects to this socket and works in this folder.
   *
   * @returns its id, and when it ends with what.
   * @throws WORKER_LOST where CrewAI does not load, SHUTTING_DOWN once it is closed.
   */
  async fork(path: string, folder: string): Promise<{ readonly pid: number; readonly exited: Promise<number> }> {
    if (this.#closed) throw new WeftlineError("SHUTTING_DOWN");
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      const loaded = await this.#load();
      const { pid } = (await loaded.peer.request("fork", { path, folder })) as { readonly pid: number };
      const exited = new Promise<number>((resolve) => loaded.exits.set(pid, resolve));
      void exited.then(() => this.#left());
      return { pid, exited };
    } catch (error) {
      this.#left();
      throw error;
    }
  }

  /** Ends it and all that it forked, for good. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#rest();
  }

  async #rest(): Promise<void> {
    clearTimeout(this.#idle);
    const loaded = await this.#loading?.catch(() => undefined);
    this.#loading = undefined;
    if (loaded) await end(loaded.child);
  }

  #left(): void {
    this.#users -= 1;
    if (this.#users > 0 || this.#closed) return;
    this.#idle = setTimeout(() => void this.#rest(), this.#options.idleMs);
    this.#idle.unref();
  }

  #load(): Promise<Loaded> {
    return (this.#loading ??= this.#start().catch((error: unknown) => {
      this.#loading = undefined;
      throw error;
    }));
  }

  async #start(): Promise<Loaded> {
    const { python, home, startTimeoutMs, log } = this.#options;
    mkdirSync(home, { recursive: true });
    const started = performance.now();
    const child = spawn(python(), ["-I", "-B", "-u", main], { cwd: home, env: pythonEnvironment(home), detached: true, stdio: "pipe" });
    const exits: Loaded["exits"] = new Map();
    const said = lastWords(child.stderr);
    const told = (method: string, params: unknown): void => {
      if (method !== "exited") return;
      const { pid, code } = params as { readonly pid: number; readonly code: number };
      exits.get(pid)?.(code);
      exits.delete(pid);
    };
    const peer: Peer = new Peer(child.stdout, child.stdin, {
      asked: () => Promise.reject(new Error("Nothing is asked here.")),
      told,
      broken: () => {
        lost("it wrote a line that is no JSON", null);
        void end(child);
      },
    });
    const lost = (problem: string, code: number | null): void => {
      this.#loading = undefined;
      peer.abandon(this.lossOf(code ?? "none", problem));
      for (const exited of exits.values()) exited(code ?? -1);
      exits.clear();
    };
    child.once("error", (error) => lost(error.message, null));
    child.once("exit", (code) => lost(said(), code));
    const timer = setTimeout(() => lost(`CrewAI did not load within ${startTimeoutMs} ms`, null), startTimeoutMs);
    try {
      const versions = await peer.request("initialize", { protocol: 1 });
      log.info({ ...(versions as object), ms: Math.round(performance.now() - started) }, "CrewAI is loaded");
      return { child, peer, exits };
    } catch (error) {
      await end(child);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Ends a process and its group; it has no more to do, so it is not waited for long. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.stdin?.end();
  const timer = setTimeout(() => killGroup(child.pid), 2_000);
  await gone;
  clearTimeout(timer);
}

/** Ends a process and all that it started. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
