import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Line } from "./client.ts";
import { cpuOf, memoryOf } from "./measure.ts";

/** A server, a provider and a folder, each on its own: what every figure is measured on. */
export interface Bed {
  readonly url: string;
  /** The base URL of the provider. */
  readonly provider: string;
  readonly folder: string;
  readonly bootMs: number;
  graphql<Data>(query: string, variables?: object): Promise<Data>;
  line(path?: string): Promise<Line>;
  meter(): Meter;
  /** CPU seconds that the server has used so far. */
  cpu(): number;
  /** Resident memory of the server, in KiB. */
  memory(): number;
  thread(): Promise<string>;
  send(thread: string, text: string): Promise<void>;
  /** Starts a run outside any thread. @returns its id */
  start(text: string): Promise<string>;
  /** The same three over a socket. */
  over(line: Line): Words;
  close(): void;
}

/** Who was busy since it was made: cores, as in 0.9 of one. */
export type Meter = () => string;

/** Which server: ours as an operator starts it, or the least that could do the work. */
export type Side = "ours" | "bound";

/** Ours as it stands here, with the plugins that are shipped. */
export const shipped = ["bin/weftline.js"];

/** Ours with the plugin of the bench, which has sources that no product needs. */
export const withBenchPlugin = [...shipped, "--config", "bench/plugins.config.ts"];

/** Waits for the first line of a child's output that matches. */
function announced(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const found = pattern.exec(output);
      if (found) resolve(found[0]);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", () => reject(new Error(output)));
  });
}

/**
 * @param weftline starts ours.
 * @param tools what the agent may call.
 */
export async function makeBed(side: Side = "ours", weftline: readonly string[] = shipped, tools: readonly string[] = []): Promise<Bed> {
  const folder = mkdtempSync(join(tmpdir(), "weftline-bench-"));
  const provider = spawn(process.execPath, ["bench/provider.ts"], { stdio: ["ignore", "pipe", "inherit"] });
  const baseURL = await announced(provider, /http:\S+/);
  const env = {
    PATH: process.env["PATH"] ?? "",
    NODE_ENV: "production",
    WEFTLINE_MODE: "production",
    WEFTLINE_DATA: folder,
    OPENAI_API_KEY: "bench",
    OPENAI_BASE_URL: baseURL,
  };
  if (side === "ours") spawnSync(process.execPath, [...weftline, "migrate", "up"], { env, stdio: "ignore" });
  // For a look inside, as in --cpu-prof --cpu-prof-dir=…
  const flags = process.env["BENCH_NODE_FLAGS"]?.split(" ") ?? [];
  const started = performance.now();
  const server = spawn(process.execPath, [...flags, ...(side === "ours" ? [...weftline, "start", "--port", "0"] : ["bench/bound.ts"])], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const url = await announced(server, /http:\/\/[\d.]+:\d+\/graphql/);
  const graphql = async <Data>(query: string, variables: object = {}): Promise<Data> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as { data: Data; errors?: object[] };
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  await graphql("{ __typename }");
  const bootMs = performance.now() - started;
  const agent = side === "ours" ? await benchAgent(graphql, tools) : "";
  const wordsOf = (ask: Graphql): Words => (side === "ours" ? ownWords(ask, agent) : boundWords(ask));
  const words = new Map<Line, Words>();
  const pid = server.pid ?? 0;
  return {
    url,
    provider: baseURL,
    folder,
    bootMs,
    graphql,
    line: (path = "") => Line.open(`${url}${path}`),
    meter: () => meterOf({ server: pid, provider: provider.pid ?? 0, driver: process.pid }),
    cpu: () => cpuOf(pid),
    memory: () => memoryOf(pid),
    ...wordsOf(graphql),
    over: (open) => {
      const known = words.get(open) ?? wordsOf((query, variables) => open.ask(query, variables));
      words.set(open, known);
      return known;
    },
    close: () => {
      server.kill(flags.length > 0 ? "SIGTERM" : "SIGKILL");
      provider.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function meterOf(processes: Readonly<Record<string, number>>): Meter {
  const before = Object.values(processes).map(cpuOf);
  const began = performance.now();
  return () => {
    const seconds = (performance.now() - began) / 1_000;
    return Object.entries(processes)
      .map(([name, pid], index) => `${name} ${((cpuOf(pid) - (before[index] ?? 0)) / seconds).toFixed(2)}`)
      .join(", ");
  };
}

type Graphql = Bed["graphql"];
type Words = Pick<Bed, "thread" | "send" | "start">;

/** @param tools what it may call. */
async function benchAgent(graphql: Graphql, tools: readonly string[]): Promise<string> {
  const { createAgent } = await graphql<{ createAgent: { agent: { id: string } } }>(
    `
      mutation ($tools: [String!]!) {
        createAgent(input: { name: "Bench", framework: "openai", model: "openai/bench", options: { api: "chat" }, capabilities: $tools }) {
          ... on CreateAgentPayload {
            agent {
              id
            }
          }
          ... on UserError {
            message
          }
        }
      }
    `,
    { tools },
  );
  return createAgent.agent.id;
}

function ownWords(graphql: Graphql, agent: string): Words {
  return {
    thread: async () => {
      const { createThread } = await graphql<{ createThread: { thread: { id: string } } }>(
        `
          mutation ($agent: ID!) {
            createThread(input: { agent: { id: $agent } }) {
              ... on CreateThreadPayload {
                thread {
                  id
                }
              }
            }
          }
        `,
        { agent },
      );
      return createThread.thread.id;
    },
    send: async (thread, text) => {
      await graphql(
        `
          mutation ($thread: ID!, $text: String!) {
            sendMessage(input: { thread: $thread, text: $text }) {
              ... on SendMessagePayload {
                run {
                  id
                }
              }
            }
          }
        `,
        { thread, text },
      );
    },
    start: async (text) => {
      const { startRun } = await graphql<{ startRun: { run: { id: string } } }>(
        `
          mutation ($agent: ID!, $text: String!) {
            startRun(input: { target: { agent: { id: $agent } }, text: $text }) {
              ... on StartRunPayload {
                run {
                  id
                }
              }
            }
          }
        `,
        { agent, text },
      );
      return startRun.run.id;
    },
  };
}

function boundWords(graphql: Graphql): Words {
  const thread = async (): Promise<string> => (await graphql<{ createThread: string }>("mutation { createThread }")).createThread;
  const send = async (id: string, text: string): Promise<void> => {
    await graphql(
      `
        mutation ($thread: ID!, $text: String!) {
          sendMessage(thread: $thread, text: $text)
        }
      `,
      { thread: id, text },
    );
  };
  return {
    thread,
    send,
    start: async (text) => {
      const id = await thread();
      await send(id, text);
      return id;
    },
  };
}
