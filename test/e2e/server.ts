import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";

/** A server in a process of its own, as `npm start` runs it. */
export interface Server {
  readonly url: string;
  readonly process: ChildProcess;
  graphql<Data>(query: string, variables?: Record<string, unknown>): Promise<Data>;
  socket(): Client;
  /** All that it wrote so far, to standard output and to standard error. */
  output(): string;
  /** Kills it as a power loss would. */
  kill(): Promise<void>;
  /** Ends it as an operator would. */
  stop(): Promise<number | null>;
}

/** A folder for a server's data, removed by the returned function. */
export function dataFolder(): { readonly folder: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "weftline-e2e-"));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** How a server is started, besides its folder. */
export interface ServerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments, as in `["--config", "my.config.ts"]`. */
  readonly args?: readonly string[];
}

/** Starts a server on a free port and waits until it answers. */
export async function startServer(dataDir: string, { env = {}, args = [] }: ServerOptions = {}): Promise<Server> {
  const child = spawn(process.execPath, ["bin/weftline.js", "start", "--port", "0", ...args], {
    env: { PATH: process.env["PATH"] ?? "", WEFTLINE_DATA: dataDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const url = await announcedUrl(child, () => output);
  const graphql = async <Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: unknown[] };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  return {
    url,
    process: child,
    graphql,
    output: () => output,
    socket: () => createClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket, retryAttempts: 0 }),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    },
    stop: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}

function announcedUrl(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const read = (): void => {
      const found = /http:\/\/[\d.]+:\d+\/graphql/.exec(output());
      if (found) resolve(found[0]);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${output()}`)));
  });
}
