import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { dataFolder, startServer } from "../e2e/server.ts";

type Variables = Readonly<Record<string, unknown>>;

/** A server in a process of its own, with an attacker in one tenant and everybody else in another. */
export interface AttackedServer {
  readonly port: number;
  /** Calls as the attacker, an administrator of a tenant. @returns the data, whatever became of it. */
  attack(query: string, variables?: Variables): Promise<unknown>;
  /** A thread of the attacker's with 5 MB of messages. */
  readonly thread: string;
  /** How long each call of another tenant's took, one after the other, in milliseconds: for at least a second, and while `meanwhile` lasts. */
  others(meanwhile?: () => Promise<unknown>): Promise<number[]>;
  /** The longest turn of the server's event loop since `at`, a time of `Date.now`, in milliseconds. */
  longestBlock(at: number): number;
  stop(): Promise<void>;
}

export async function startAttackedServer(): Promise<AttackedServer> {
  const { folder, remove } = dataFolder();
  const blocks = join(folder, "loop-delay");
  const preload = new URL("loop-delay.ts", import.meta.url).href;
  const server = await startServer(folder, {
    args: ["--config", "test/attacks/attacks.config.ts"],
    env: { NODE_OPTIONS: `--import ${preload}`, LOOP_DELAY_FILE: blocks },
  });
  const post = async (token: string, query: string, variables: Variables = {}): Promise<unknown> => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const response = await fetch(server.url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
    return ((await response.json()) as { data?: unknown }).data;
  };
  const attack = (query: string, variables?: Variables): Promise<unknown> => post("token-of-mallory", query, variables);
  const thread = await prepare(attack);
  return {
    port: Number(new URL(server.url).port),
    attack,
    thread,
    others: async (meanwhile) => {
      const others = new Worker(new URL("others.ts", import.meta.url), { workerData: { url: server.url } });
      await once(others, "message");
      await meanwhile?.();
      others.postMessage("over");
      const [waits] = (await once(others, "message")) as [number[]];
      return waits;
    },
    longestBlock: (at) => {
      const lines = existsSync(blocks) ? readFileSync(blocks, "utf8").split("\n").slice(0, -1) : [];
      const since = lines.map((line) => line.split(" ").map(Number)).filter(([when = 0]) => when >= at);
      return Math.max(0, ...since.map(([, ms = 0]) => ms));
    },
    stop: async () => {
      await server.stop();
      remove();
    },
  };
}

/** @returns the id of the attacker's thread. */
async function prepare(attack: AttackedServer["attack"]): Promise<string> {
  const made = await attack(`mutation { createAgentFromTemplate(input: { template: "assistant", name: "Ada" }) { __typename }
    createThread(input: { agent: { name: "Ada" } }) { ... on CreateThreadPayload { thread { id } } } }`);
  const { id: thread } = (made as { createThread: { thread: { id: string } } }).createThread.thread;
  const input = {
    name: "Bea",
    framework: "openai",
    capabilities: ["math.evaluate"],
    toolPolicies: [{ tool: "math.evaluate", approval: "POLICY", condition: "args.expression.matches('^(a+)+$')" }],
  };
  await attack("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input });
  const send = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }";
  for (let at = 0; at < 20; at++) await attack(send, { input: { thread, text: "x".repeat(250_000) } });
  return thread;
}
