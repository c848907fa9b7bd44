import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { AttackedServer } from "./server.ts";

type Attack = (server: AttackedServer) => Promise<unknown>;

const startRun = "mutation ($input: StartRunInput!) { startRun(input: $input) { __typename } }";
const createAgent = "mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }";
const sendMessage = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }";

const aliases = (count: number, field: string): string => Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(" ");
const times = (count: number, attack: (at: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, at) => attack(at)));

/** Definitions that refer to each other twice: as many ways through them as 2 to the 40th. */
const $defs = Object.fromEntries(
  Array.from({ length: 41 }, (_, at) => [
    `d${at}`,
    at === 40 ? {} : { allOf: [{ $ref: `#/$defs/d${at + 1}` }, { $ref: `#/$defs/d${at + 1}` }] },
  ]),
);

/** A schema of 60 KB, each of whose levels holds another one twice. */
function nested(depth: number, title: string): object {
  return depth === 0
    ? { type: "string", title }
    : { anyOf: [nested(depth - 1, title), { type: "object", properties: { a: nested(depth - 1, title) } }] };
}

const head = (length: number, more = ""): string =>
  `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** From an address of the attacker's own: those of others have places of their own. */
function connection({ port }: AttackedServer): Socket {
  return connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2" })
    .on("error", () => undefined)
    .resume();
}

const closed = (tcp: Socket): Promise<void> => new Promise((resolve) => tcp.once("close", () => resolve()));

/** What one caller can do worst, each until the server is done with it. */
export const attacks: Readonly<Record<string, Attack>> = {
  "a schema whose references fork": ({ attack }) =>
    attack(startRun, { input: { target: { agent: { name: "Ada" } }, text: "hi", outputSchema: { $ref: "#/$defs/d0", $defs } } }),
  "schemas that are slow to compile": ({ attack }) =>
    times(3, (at) => attack(createAgent, { input: { name: `S${at}`, framework: "openai", outputSchema: nested(9, `${Math.random()}`) } })),
  "an answer of hundreds of megabytes": ({ attack, thread }) =>
    attack(`query ($id: ID!) { thread(id: $id) { ${aliases(60, "messages(last: 100) { nodes { text } }")} } }`, { id: thread }),
  "a message of signs at which a pattern starts over": ({ attack, thread }) =>
    attack(sendMessage, { input: { thread, text: `use time.now x${"!".repeat(200_000)}x` } }),
  "bodies of strangers that do not end": async (server) => {
    await times(800, async () => {
      const tcp = connection(server);
      tcp.write(`${head(1_800_000)}${"x".repeat(1_700_000)}`);
      await closed(tcp);
    });
  },
  "connections that send a byte of a header a second": async (server) => {
    const open = Array.from({ length: 300 }, () => connection(server));
    for (const byte of "GET ") {
      for (const tcp of open) tcp.write(byte);
      await pause(1_000);
    }
    for (const tcp of open) tcp.destroy();
  },
  "five thousand requests in one connection": async (server) => {
    const body = '{"query":"{ viewer { id } }"}';
    const tcp = connection(server);
    tcp.end(`${head(body.length, "Authorization: Bearer token-of-mallory\r\n")}${body}`.repeat(5_000));
    await closed(tcp);
  },
  "documents that are slow to validate": ({ attack }) => times(30, (at) => attack(`{ ${"viewer { id } ".repeat(480)} } # ${at}`)),
  "calls whose policy has a pattern that backtracks": ({ attack }) =>
    times(60, () => attack(startRun, { input: { target: { agent: { name: "Bea" } }, text: `use math.evaluate "${"a".repeat(60)}!"` } })),
  "descriptions of the schema": ({ attack }) => attack(`{ __schema { ${aliases(100, "types { name fields { name args { name } } }")} } }`),
  "forks of a long thread": ({ attack, thread }) =>
    times(4, () => attack("mutation ($input: ForkThreadInput!) { forkThread(input: $input) { __typename } }", { input: { thread } })),
};
