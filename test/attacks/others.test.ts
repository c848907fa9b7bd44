import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dataFolder, startServer, type Server } from "../e2e/server.ts";

const { folder, remove } = dataFolder();
let server: Server;
let idle: number;
let thread: string;

beforeAll(async () => {
  server = await startServer(folder, { args: ["--config", "test/attacks/attacks.config.ts"] });
  const made = await mallory(`mutation { createAgentFromTemplate(input: { template: "assistant", name: "Ada" }) { __typename }
    createThread(input: { agent: { name: "Ada" } }) { ... on CreateThreadPayload { thread { id } } } }`);
  thread = (made as { createThread: { thread: { id: string } } }).createThread.thread.id;
  const input = {
    name: "Bea",
    framework: "openai",
    capabilities: ["math.evaluate"],
    toolPolicies: [{ tool: "math.evaluate", approval: "POLICY", condition: "args.expression.matches('^(a+)+$')" }],
  };
  await mallory("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input });
  for (let at = 0; at < 20; at++) await send("x".repeat(250_000));
  idle = quantile(await othersWhile(new Promise((resolve) => setTimeout(resolve, 1_500))));
});
afterAll(async () => {
  await server.stop();
  remove();
});

async function post(token: string, query: string, variables: object = {}): Promise<unknown> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const response = await fetch(server.url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
  return ((await response.json()) as { data?: unknown }).data;
}
const mallory = (query: string, variables?: object): Promise<unknown> => post("token-of-mallory", query, variables);
const send = (text: string): Promise<unknown> =>
  mallory("mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }", { input: { thread, text } });

/** How long another tenant waited, each time, in milliseconds, for at least a second. */
async function othersWhile(attack: Promise<unknown>): Promise<number[]> {
  const waits: number[] = [];
  let state: "on" | "over" = "on";
  void attack.finally(() => (state = "over"));
  const until = performance.now() + 1_000;
  while (state === "on" || performance.now() < until) {
    const asked = performance.now();
    await post("token-of-bob", "{ viewer { id } }");
    waits.push(performance.now() - asked);
  }
  await attack;
  return waits;
}

function quantile(waits: readonly number[], part = 0.99): number {
  return waits.toSorted((a, b) => a - b)[Math.floor(waits.length * part)] ?? 0;
}

const aliases = (count: number, field: string): string => Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(" ");
const many = (count: number, attack: (at: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, at) => attack(at)));
const $defs = Object.fromEntries(
  Array.from({ length: 41 }, (_, at) => [
    `d${at}`,
    at === 40 ? {} : { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
  ]),
);

/** Requests of nobody that announce a body and do not send it. */
async function strangers(): Promise<void> {
  const { port } = new URL(server.url);
  const head = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1800000\r\n\r\n";
  const ended = Array.from({ length: 200 }, () => {
    const tcp = connect(Number(port), "127.0.0.1", () => tcp.write(head + "x".repeat(10_000)));
    tcp.on("error", () => undefined).resume();
    return new Promise((resolve) => tcp.once("close", resolve));
  });
  await Promise.all(ended);
}

const attacks: Readonly<Record<string, () => Promise<unknown>>> = {
  "a schema whose references fork": () =>
    mallory("mutation ($input: StartRunInput!) { startRun(input: $input) { __typename } }", {
      input: { target: { agent: { name: "Ada" } }, text: "hi", outputSchema: { $ref: "#/$defs/d0", $defs } },
    }),
  "an answer of hundreds of megabytes": () =>
    mallory(`query ($id: ID!) { thread(id: $id) { ${aliases(60, "messages(last: 100) { nodes { text } }")} } }`, { id: thread }),
  "a message of signs that a pattern begins anew at": () => send(`use time.now x${"!".repeat(200_000)}x`),
  "bodies of nobody that do not end": strangers,
  "documents that are slow to validate": () => many(30, (at) => mallory(`{ ${"viewer { id } ".repeat(480)} } # ${at}`)),
  "calls whose policy has a pattern that backtracks": () =>
    many(60, () =>
      mallory("mutation ($input: StartRunInput!) { startRun(input: $input) { __typename } }", {
        input: { target: { agent: { name: "Bea" } }, text: `use math.evaluate "${"a".repeat(60)}!"` },
      }),
    ),
  "descriptions of the schema": () => mallory(`{ __schema { ${aliases(100, "types { name fields { name args { name } } }")} } }`),
};

describe("while one caller does its worst, others are served", () => {
  it.each(Object.entries(attacks))("%s", async (_, attack) => {
    const tries: { readonly p99: number; readonly longest: number }[] = [];
    for (let times = 0; times < 3; times++) {
      const waits = await othersWhile(attack());
      tries.push({ p99: quantile(waits), longest: Math.max(...waits) });
    }
    const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[1] ?? Infinity;
    expect(median(tries.map(({ p99 }) => p99))).toBeLessThanOrEqual(10 * idle);
    // A wait holds a block of the loop, and what the machine adds.
    expect(median(tries.map(({ longest }) => longest))).toBeLessThanOrEqual(200 + 10 * idle);
  });
});
