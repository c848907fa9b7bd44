import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "graphql-ws";
import { WebSocket } from "ws";
import { dataFolder, startServer, type Server } from "../server.ts";

const secret = "sk-test-SECRET-of-the-wire";
const { folder, remove } = dataFolder();
let server: Server;
let thread: string;
/** All that the server answered here. */
const answers: string[] = [];

beforeAll(async () => {
  const env = { WEFTLINE_MODE: "production", OPENAI_API_KEY: secret, OPENAI_BASE_URL: "http://127.0.0.1:9/v1" };
  server = await startServer(folder, { env, args: ["--migrate"] });
  const made = await server.graphql<{ createThread: { thread: { id: string } } }>(
    'mutation { createThread(input: { title: "Wire" }) { ... on CreateThreadPayload { thread { id } } } }',
  );
  thread = made.createThread.thread.id;
});
afterAll(async () => {
  await server.stop();
  remove();
});

const state = () =>
  server.graphql("{ agents { totalCount } threads { totalCount nodes { lastSeq messages { totalCount } } } runs { totalCount } }");

async function unchanged<T>(work: () => Promise<T>): Promise<T> {
  const before = await state();
  const result = await work();
  expect(await state()).toEqual(before);
  return result;
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

async function post(body: string): Promise<{ readonly status: number; readonly answer: Answer }> {
  const response = await fetch(server.url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body,
  });
  const text = await response.text();
  answers.push(text);
  return { status: response.status, answer: JSON.parse(text) as Answer };
}

const tokens = `{ ${"__typename ".repeat(5_000)} }`;
const deep = `{ node(id: "x") { ... on Message { ${"supersededBy { ".repeat(50)} id ${"}".repeat(50)} } } }`;
const send = `mutation ($thread: ID!, $text: String!) { sendMessage(input: { thread: $thread, text: $text }) { __typename } }`;

/** Operations that are refused as a whole, and the code that says why. */
const operations: readonly {
  readonly what: string;
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly code: string;
}[] = [
  { what: "a syntax error", query: "{ viewer { ", code: "GRAPHQL_PARSE_FAILED" },
  { what: "no text", query: " ", code: "GRAPHQL_PARSE_FAILED" },
  { what: "5,000 tokens", query: tokens, code: "GRAPHQL_PARSE_FAILED" },
  { what: "50 levels", query: deep, code: "OPERATION_LIMIT" },
  { what: "introspection in production", query: "{ __schema { types { name } } }", code: "GRAPHQL_VALIDATION_FAILED" },
  { what: "a field that is not there", query: "{ secrets { apiKey } }", code: "GRAPHQL_VALIDATION_FAILED" },
  { what: "a variable that is missing", query: send, variables: { thread: "x" }, code: "INVALID_INPUT" },
  { what: "a variable of another type", query: send, variables: { thread: "x", text: { a: 1 } }, code: "INVALID_INPUT" },
  { what: "two of a choice of one", query: 'query { agent(ref: { id: "x", name: "y" }) { id } }', code: "GRAPHQL_VALIDATION_FAILED" },
  { what: "none of a choice of one", query: "query { agent(ref: {}) { id } }", code: "GRAPHQL_VALIDATION_FAILED" },
  { what: "an enum value that is none", query: "{ agents(status: [SLEEPING]) { totalCount } }", code: "GRAPHQL_VALIDATION_FAILED" },
  { what: "a duration that is none", query: '{ agents { nodes { metrics(last: "soon") { runs } } } }', code: "GRAPHQL_VALIDATION_FAILED" },
  {
    what: "pages of pages of pages",
    query: "{ threads(first: 100) { nodes { runs(first: 100) { nodes { steps(first: 100) { nodes { id } } } } } } }",
    code: "OPERATION_LIMIT",
  },
  {
    what: "a NUL character",
    query: "query ($s: String) { agents(search: $s) { totalCount } }",
    variables: { s: "\u0000" },
    code: "INVALID_INPUT",
  },
];

describe("over HTTP", () => {
  it.each(operations)("$what is refused with 400 and a code", async ({ query, variables = {}, code }) => {
    const { status, answer } = await unchanged(() => post(JSON.stringify({ query, variables })));
    expect(status).toBe(400);
    expect(answer.data ?? null).toBeNull();
    expect(answer.errors?.map(({ extensions }) => extensions?.code)).toContain(code);
    for (const { message } of answer.errors ?? []) expect(message).not.toMatch(/Did you mean|\bat .*\.ts/);
  });

  it.each([
    { what: "no JSON", body: "{ viewer { id } }" },
    { what: "a list of operations", body: JSON.stringify([{ query: "{ viewer { id } }" }]) },
    { what: "no query", body: JSON.stringify({ variables: {} }) },
    { what: "a query that is no text", body: JSON.stringify({ query: { viewer: 1 } }) },
    { what: "variables that are no object", body: JSON.stringify({ query: "{ viewer { id } }", variables: "x" }) },
    { what: "nothing", body: "" },
    { what: "null", body: "null" },
  ])("a body with $what is refused", async ({ body }) => {
    const { status, answer } = await unchanged(() => post(body));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(answer.errors?.[0]?.message).toMatch(/\w/);
    expect(answer.errors?.[0]?.extensions?.code).toMatch(/^[A-Z_]+$/);
  });

  it("a body of 2 MB is refused before it is read, and the next request is answered", async () => {
    await unchanged(async () => {
      const { status, answer } = await post(JSON.stringify({ query: send, variables: { thread, text: "x".repeat(2_000_000) } }));
      expect(status).toBe(413);
      expect(answer.errors?.[0]?.message).toMatch(/large|bytes|size/i);
      expect(answer.errors?.[0]?.extensions?.code).toMatch(/^[A-Z_]+$/);
    });
  });

  it("a message of 900 KB, which the body may hold, is refused as a message", async () => {
    const query = `mutation ($thread: ID!, $text: String!) { sendMessage(input: { thread: $thread, text: $text }) { ... on InvalidInputError { code message path } } }`;
    const { status, answer } = await unchanged(() => post(JSON.stringify({ query, variables: { thread, text: "x".repeat(900_000) } })));
    expect(status).toBe(200);
    expect(answer.data).toMatchObject({ sendMessage: { code: "INVALID_INPUT", path: ["input", "text"] } });
  });
});

/** One operation's first answer, or the errors that it was refused with. */
async function once(client: Client, query: string, variables: Record<string, unknown> = {}): Promise<Answer> {
  try {
    for await (const result of client.iterate({ query, variables })) return result as Answer;
    return {};
  } catch (errors) {
    return { errors: errors as NonNullable<Answer["errors"]> };
  }
}

describe("over a socket", () => {
  it("everything that is refused costs its own operation only: the socket and its other operations go on", async () => {
    let closed = 0;
    const client = server.socket();
    client.on("closed", () => closed++);
    const events = client.iterate<{ threadEvents: { type: string } }>({
      query: "subscription ($thread: ID!) { threadEvents(thread: $thread) { type } }",
      variables: { thread },
    });
    expect((await events.next()).value?.data).toEqual({ threadEvents: { type: "snapshot" } });
    await unchanged(async () => {
      for (const { what, query, variables, code } of operations) {
        const answer = await once(client, query, variables);
        answers.push(JSON.stringify(answer));
        expect([what, answer.errors?.map(({ extensions }) => extensions?.code)]).toEqual([what, expect.arrayContaining([code])]);
      }
      const subscriptions = [
        ["subscription ($id: ID!) { threadEvents(thread: $id) { type } }", { id: "x" }, "NOT_FOUND"],
        ["subscription ($id: ID!) { runEvents(run: $id) { type } }", { id: thread }, "NOT_FOUND"],
        ["subscription ($id: ID!) { threadActivity(thread: $id) { expiresAt } }", { id: "" }, "NOT_FOUND"],
        ["subscription ($id: ID!) { threadEvents(thread: $id, after: 9) { type } }", { id: thread }, "INVALID_CURSOR"],
        ["subscription ($id: ID!) { threadEvents(thread: $id, after: -1) { type } }", { id: thread }, "INVALID_CURSOR"],
      ] as const;
      for (const [query, variables, code] of subscriptions) {
        expect((await once(client, query, variables)).errors).toMatchObject([{ extensions: { code } }]);
      }
    });
    const next = events.next();
    await once(client, 'mutation ($thread: ID!) { updateThread(input: { thread: $thread, title: "Wired" }) { __typename } }', { thread });
    expect((await next).value?.data).toEqual({ threadEvents: { type: "thread.changed" } });
    expect(closed).toBe(0);
    await client.dispose();
  });

  it("a frame of 2 MB closes its socket and no other", async () => {
    const bystander = server.socket();
    const events = bystander.iterate({ query: "subscription { changes { kind } }" });
    await events.next();
    let closed = 0;
    bystander.on("closed", () => closed++);
    await unchanged(async () => {
      const refused = await new Promise<number>((resolve) => {
        const socket = new WebSocket(server.url.replace("http", "ws"), "graphql-transport-ws");
        socket.on("open", () => socket.send(`{"type":"connection_init","payload":{"x":"${"x".repeat(2_000_000)}"}}`));
        socket.on("close", resolve);
        socket.on("error", () => undefined);
      });
      expect(refused).toBe(1009);
    });
    expect(await once(bystander, "{ viewer { name } }")).toMatchObject({ data: { viewer: { name: "Local user" } } });
    expect(closed).toBe(0);
    await bystander.dispose();
  });
});

describe("whatever was refused", () => {
  it("shows no secret, in answers or in the log, and nothing is logged as a failure of the server", () => {
    expect(answers.length).toBeGreaterThan(operations.length);
    for (const text of [...answers, server.output()]) expect(text).not.toContain(secret);
    expect(server.output()).not.toMatch(/"level":(50|60)/);
  });
});
