import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createWeftlineClient, type WeftlineClient } from "../../src/client/index.ts";
import { WebSocket } from "ws";

/** How long a client insists, in milliseconds: a server that is killed again and again may answer late. */
const patienceMs = 600_000;

/** How long a command may take, in milliseconds: one that serves, where it should have been refused, is ended. */
const commandMs = 60_000;

/** One server's place: a port and a folder that outlive its processes. */
export class FaultyServer {
  readonly folder = mkdtempSync(join(tmpdir(), "weftline-faults-"));
  readonly url: string;
  readonly #port: number;
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #output = "";

  private constructor(port: number, env: Record<string, string>) {
    this.#port = port;
    this.#env = env;
    this.url = `http://127.0.0.1:${port}/graphql`;
    // Also when the case fails: no server stays behind.
    process.once("exit", () => this.#child?.kill("SIGKILL"));
  }

  /** A place without a process. */
  static async place(env: Record<string, string> = {}): Promise<FaultyServer> {
    return new FaultyServer(await freePort(), env);
  }

  static async start(env: Record<string, string> = {}): Promise<FaultyServer> {
    const server = await FaultyServer.place(env);
    await server.start();
    return server;
  }

  get database(): string {
    return join(this.folder, "weftline.db");
  }

  /** Resident memory, in MiB. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** @returns how long it took to answer, in milliseconds. */
  async start(): Promise<number> {
    const started = performance.now();
    this.#output = "";
    const child = this.#spawn("start", "--port", String(this.#port));
    this.#child = child;
    const ready = Promise.withResolvers<void>();
    const read = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-20_000);
      if (this.#output.includes(this.url)) ready.resolve();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("exit", (code, signal) => ready.reject(new Error(`the server ended with ${code ?? signal}:\n${this.#output}`)));
    await ready.promise;
    return performance.now() - started;
  }

  /** Runs a command as another process on the same folder. @returns how it ended; a `code` of null is that of one that did not end by itself. */
  async command(
    name: string,
    ...args: readonly string[]
  ): Promise<{ readonly code: number | null; readonly out: string; readonly said: string }> {
    const child = this.#spawn(name, ...args);
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    const tooLong = setTimeout(kill, commandMs);
    const [out, said, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    clearTimeout(tooLong);
    process.removeListener("exit", kill);
    return { code, out, said };
  }

  #spawn(command: string, ...args: readonly string[]) {
    return spawn(process.execPath, ["bin/weftline.js", command, "--config", "test/faults/faults.config.ts", ...args], {
      env: { PATH: process.env["PATH"] ?? "", WEFTLINE_DATA: this.folder, ...this.#env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** What it wrote last. */
  get output(): string {
    return this.#output;
  }

  /** Kills it as a power loss would. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Resolves with the signal that ended it. */
  async ended(): Promise<NodeJS.Signals | null> {
    if (this.#child && this.running) await once(this.#child, "exit");
    return this.#child?.signalCode ?? null;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.#child || !this.running) return;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    await exited;
  }

  /** @param url another way to it, as through a proxy. */
  client(url = this.url): WeftlineClient {
    return createWeftlineClient({ url, webSocketImpl: WebSocket });
  }

  /** Asks once. */
  async ask<Data>(query: string, variables: object = {}): Promise<Data> {
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: readonly object[] };
    if (errors) throw new Refused(JSON.stringify(errors));
    return data;
  }

  /** Asks until it is answered, as a client does that was cut off: the same request, with the same key. */
  async insist<Data>(query: string, variables: object = {}): Promise<Data> {
    for (const started = performance.now(); ;) {
      try {
        return await this.ask<Data>(query, variables);
      } catch (error) {
        if (error instanceof Refused) throw error;
        if (performance.now() - started > patienceMs)
          throw new Error(`nobody answered for ${patienceMs} ms:\n${this.#output}`, { cause: error });
        await pause(50);
      }
    }
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The server answered, with errors. */
export class Refused extends Error {}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
