import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents, auth, capabilities, chat, models, openai, simulated } from "../../../src/plugins/index.ts";
import { probePlugin, serve, until, type Served } from "../../graphql/fixture.ts";
import { raw } from "../../graphql/raw-socket.ts";
import { ask, codesOf, ways } from "./ways.ts";

let app: Served;
let thread: string;
beforeAll(async () => {
  app = await serve({
    plugins: [auth(), models({ bindings: {} }), simulated(), capabilities(), openai(), agents(), chat(), probePlugin()],
  });
  const made = await ask(app, "HTTP", {
    query: `mutation { createAgentFromTemplate(input: { template: "assistant", name: "Ada" }) { __typename }
      createThread(input: { agent: { name: "Ada" } }) { ... on CreateThreadPayload { thread { id } } ... on UserError { message } } }`,
  });
  thread = (made.data as { createThread: { thread: { id: string } } }).createThread.thread.id;
});
afterAll(() => app[Symbol.asyncDispose]());

const most = 256 * 1024;
/** What JSON makes longest: each sign is a byte, and six when it is escaped. A message has a visible one. */
const escaped = `x${"\u0001".repeat(most - 1)}`;
const send = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename ... on UserError { message } } }";
const start = "mutation ($input: StartRunInput!) { startRun(input: $input) { __typename ... on UserError { message } } }";

describe.each(ways)("over %s, a mutation", (way) => {
  it("that holds as much as it may comes through, however it is escaped", async () => {
    const sent = await ask(app, way, { query: send, variables: { input: { thread, text: escaped } } });
    expect(sent.data).toMatchObject({ sendMessage: { __typename: "SendMessagePayload" } });
    const third = "\u0001".repeat(Math.floor(most / 3 / 6) - 100);
    const outputSchema = { type: "object", description: third };
    const text = escaped.slice(0, Math.floor(most / 3));
    const input = { target: { agent: { name: "Ada" } }, text, input: { told: third }, outputSchema };
    const started = await ask(app, way, { query: start, variables: { input } });
    expect(started.data).toMatchObject({ startRun: { __typename: "StartRunPayload" } });
  });

  it("that holds more is told so", async () => {
    const { data } = await ask(app, way, { query: send, variables: { input: { thread, text: `${escaped}x` } } });
    expect(data).toMatchObject({ sendMessage: { __typename: "InvalidInputError" } });
    const half = "x".repeat(most / 2 + 1);
    const started = await ask(app, way, {
      query: start,
      variables: { input: { target: { agent: { name: "Ada" } }, text: half, input: half } },
    });
    expect(started.data).toMatchObject({ startRun: { __typename: "InvalidInputError", message: "input: At most 256 KiB in all." } });
  });
});

describe("a request that is larger than any may be", () => {
  const huge = JSON.stringify({ query: "{ viewer { id } }", variables: { x: "x".repeat(2_000_000) } });

  it("is answered 413, also as an event stream", async () => {
    for (const accept of ["application/json", "text/event-stream"]) expect((await app.post(huge, { accept })).status).toBe(413);
  });

  it("closes its socket with 1009, before and after the caller is known, and no other", async () => {
    const other = await raw(app.socket());
    for (const init of ["init", "bare"] as const) {
      const { socket, closed } = await raw(app.socket(), init);
      socket.send(huge);
      expect(await closed).toMatchObject({ code: 1009 });
    }
    other.subscribe("1", "{ viewer { id } }");
    await until(() => other.messages.some(({ type }) => type === "next"));
    other.socket.close();
  });
});

describe.each(ways)("over %s, variables", (way) => {
  it("do not reach the prototypes of objects", async () => {
    for (const name of ["__proto__", "constructor", "prototype"]) {
      const text = `{"${name}":{"polluted":"yes"},"t":"a"}`;
      const variables = JSON.parse(text) as Record<string, unknown>;
      const { data } = await ask(app, way, { query: "query ($t: String!) { probeEcho(text: $t) }", variables });
      expect(data).toEqual({ probeEcho: "a" });
      const metadata = JSON.parse(`{"${name}":{"polluted":"yes","admin":true}}`) as object;
      const created = await ask(app, way, {
        query:
          "mutation ($input: CreateThreadInput!) { createThread(input: $input) { __typename ... on CreateThreadPayload { thread { config { metadata } } } } }",
        variables: { input: { agent: { name: "Ada" }, config: { metadata } } },
      });
      expect(created.errors).toEqual([]);
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
  });

  it("named as what every object has are no variables", async () => {
    const { errors } = await ask(app, way, { query: "query ($toString: String!) { probeEcho(text: $toString) }" });
    expect(errors).toHaveLength(1);
    expect(codesOf({ errors, text: "" })).toEqual(["INVALID_INPUT"]);
  });

  it("that nest half a million deep are refused or carried, and the server goes on", async () => {
    const deep = 400_000;
    const variables = JSON.parse(`{"t":${"[".repeat(1_000)}${"]".repeat(1_000)}}`) as Record<string, unknown>;
    expect(codesOf(await ask(app, way, { query: "query ($t: String!) { probeEcho(text: $t) }", variables }))).toEqual(["INVALID_INPUT"]);
    if (way === "socket") {
      const { socket, messages } = await raw(app.socket());
      socket.send(
        `{"id":"1","type":"subscribe","payload":{"query":"{ viewer { id } }","variables":{"x":${"[".repeat(deep)}${"]".repeat(deep)}}}}`,
      );
      await until(() => messages.length > 1);
      socket.terminate();
    } else {
      const body = `{"query":"{ viewer { id } }","variables":{"x":${"[".repeat(deep)}${"]".repeat(deep)}}}`;
      const response = await app.post(body, way === "HTTP" ? {} : { accept: "text/event-stream" });
      expect(response.status).toBeLessThan(500);
    }
    expect((await ask(app, way, { query: "{ viewer { name } }" })).errors).toEqual([]);
  });
});
