import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { parse } from "graphql";
import { handleProtocols, makeServer } from "graphql-ws";
import { createPubSub, createSchema, createYoga } from "graphql-yoga";
import { WebSocketServer, type WebSocket } from "ws";

/**
 * The least that does the same work over the same protocols: Yoga, graphql-ws, one table, one commit for what comes within 20 ms. No plugins,
 * no ownership, no SDK, no engine. It says what the machine allows; each figure stands beside its own.
 */
interface Row {
  readonly thread: string;
  readonly type: string;
  readonly text: string;
}

const db = new Database(join(process.env["WEFTLINE_DATA"] ?? ".", "bound.sqlite"));
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec("create table event (seq integer primary key, thread text, type text, text text); create index of_thread on event (thread, seq)");
const insert = db.prepare("insert into event (thread, type, text) values (?, ?, ?)");
const spoken = db.prepare("select type, text from event where thread = ? and type <> 'message.delta' order by seq desc limit 50");
db.exec("create table state (run text primary key, state text)");
const keep = db.prepare("insert into state (run, state) values (?, ?) on conflict (run) do update set state = excluded.state");
const hub = createPubSub<{ event: [thread: string, row: Row] }>();

let pending: Row[] = [];
let pendingStates: { readonly run: string; readonly state: string; readonly done: () => void }[] = [];
let timer: NodeJS.Timeout | undefined;
const commit = db.transaction((rows: readonly Row[], states: readonly { readonly run: string; readonly state: string }[] = []) => {
  for (const { thread, type, text } of rows) insert.run(thread, type, text);
  for (const { run, state } of states) keep.run(run, state);
});

function flush(): void {
  clearTimeout(timer);
  timer = undefined;
  const rows = pending;
  const states = pendingStates;
  pending = [];
  pendingStates = [];
  if (rows.length === 0) return;
  commit(rows, states);
  for (const { done } of states) done();
  for (const row of rows) hub.publish("event", row.thread, row);
}

/** What is urgent goes at once, the rest within 20 ms and together; tokens of one thread become one row. */
function append(row: Row, urgency: "now" | "soon"): void {
  const last = pending.findLast(({ thread }) => thread === row.thread);
  if (last?.type === "message.delta" && row.type === last.type) pending[pending.indexOf(last)] = { ...last, text: last.text + row.text };
  else pending.push(row);
  if (urgency === "now") setImmediate(flush);
  else timer ??= setTimeout(flush, 20);
}

async function answer(thread: string, text: string): Promise<void> {
  const history = (spoken.all(thread) as Row[])
    .toReversed()
    .map((row) => ({ role: row.type === "said" ? "user" : "assistant", content: row.text }));
  append({ thread, type: "said", text }, "now");
  const body = JSON.stringify({ model: "bench", stream: true, messages: [...history, { role: "user", content: text }] });
  const response = await fetch(`${process.env["OPENAI_BASE_URL"]}/chat/completions`, { method: "POST", body });
  let rest = "";
  let whole = "";
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + chunk).split("\n\n");
    rest = lines.pop() ?? "";
    let delta = "";
    for (const line of lines) {
      if (line === "data: [DONE]") continue;
      const { choices } = JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] };
      delta += choices[0]?.delta.content ?? "";
    }
    if (delta) append({ thread, type: "message.delta", text: delta }, whole === "" ? "now" : "soon");
    whole += delta;
  }
  append({ thread, type: "run.finished", text: whole }, "now");
}

/** Nodes of a workflow that do nothing: each end is a row of the history and the state of the run, and is on disk before what follows begins. */
async function weave(run: string, nodes: number, shape: "row" | "side by side"): Promise<void> {
  const state: Record<string, number> = {};
  const node = (n: number): Promise<void> => {
    state[`n${n}`] = n + 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    pendingStates.push({ run, state: JSON.stringify(state), done: resolve });
    append({ thread: run, type: "step.finished", text: `n${n}` }, "now");
    return promise;
  };
  if (shape === "row") for (let n = 0; n < nodes; n++) await node(n);
  else await Promise.all(Array.from({ length: nodes }, (_, n) => node(n)));
  append({ thread: run, type: "run.finished", text: JSON.stringify(state) }, "now");
}

let threads = 0;
const bare = new Set<WebSocket>();
const tick = `{"id":"1","type":"next","payload":{"data":{"threadEvents":{"seq":123456,"type":"bench.tick","benchText":"tick 0"}}}}`;
const schema = createSchema({
  typeDefs: /* GraphQL */ `
    type Query {
      viewer: String
    }
    type Mutation {
      createThread: ID!
      sendMessage(thread: ID!, text: String!): Boolean
      startWorkflow(run: ID!, nodes: Int!, inRow: Boolean!): Boolean
      benchAppend(thread: ID!, events: Int!): Boolean
    }
    type Event {
      type: String!
      text: String
    }
    type Frame {
      seq: Int!
      type: String!
      text: String!
    }
    type Subscription {
      events(of: ID!): Event!
      benchFrames(count: Int!): Frame!
    }
  `,
  resolvers: {
    Mutation: {
      createThread: () => String(++threads),
      sendMessage: (_, { thread, text }: { thread: string; text: string }) => void answer(thread, text),
      startWorkflow: (_, { run, nodes, inRow }: { run: string; nodes: number; inRow: boolean }) =>
        void weave(run, nodes, inRow ? "row" : "side by side"),
      benchAppend: (_, { thread, events }: { thread: string; events: number }) => {
        commit(Array.from({ length: events }, () => ({ thread, type: "bench.tick", text: "tick" })));
        for (const socket of bare) for (let n = 0; n < events; n++) socket.send(tick);
      },
    },
    Subscription: {
      events: { subscribe: (_, { of }: { of: string }) => hub.subscribe("event", of), resolve: (row: Row) => row },
      benchFrames: {
        subscribe: async function* (_: unknown, { count }: { count: number }) {
          for (let seq = 1; seq <= count; seq++) yield { seq, type: "bench.frame", text: "a few tokens" };
        },
        resolve: (frame: object) => frame,
      },
    },
  },
});
const yoga = createYoga({ schema, logging: false, graphiql: false, maskedErrors: false });
const { execute, subscribe } = yoga.getEnveloped({});
const protocol = makeServer({
  onSubscribe: (_, __, { query, variables }) => ({ schema, document: parse(query), variableValues: variables ?? {}, contextValue: {} }),
  execute: execute as never,
  subscribe: subscribe as never,
});
const http = createServer((request, response) => void yoga(request, response));
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols });
http.on("upgrade", (request, tcp, head) =>
  sockets.handleUpgrade(request, tcp, head, (socket) => {
    if (request.url?.endsWith("/yardstick")) {
      return void socket.on("message", (data) => (commit([{ thread: "", type: "yardstick", text: String(data) }]), socket.send("done")));
    }
    if (request.url?.endsWith("/bare")) {
      socket.on("message", () => (socket.send('{"type":"connection_ack"}'), bare.add(socket)));
      return void socket.on("close", () => bare.delete(socket));
    }
    let frames = 0;
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => {
          if (frames++ === 0) {
            tcp.cork();
            process.nextTick(() => ((frames = 0), tcp.uncork()));
          }
          if (socket.bufferedAmount < 256 * 1024) return socket.send(text) as never;
          return new Promise((resolve) => socket.send(text, () => resolve()));
        },
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => void socket.on("message", (data) => void handle(String(data))),
      },
      undefined,
    );
    socket.on("close", (code, reason) => void closed(code, String(reason)));
  }),
);
http.listen(0, "127.0.0.1", () => process.stdout.write(`http://127.0.0.1:${(http.address() as AddressInfo).port}/graphql\n`));
