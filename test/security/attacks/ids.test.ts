import { v7 } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { globalId } from "#weftline";
import { agents, auth, capabilities, chat, models, openai, simulated } from "../../../src/plugins/index.ts";
import { probePlugin, serve, tokens, viewers, type Served } from "../../graphql/fixture.ts";
import { ask, codesOf, ways } from "./ways.ts";

interface Ids {
  readonly agent: string;
  readonly thread: string;
  readonly run: string;
}

let app: Served;
let adas: Ids;
beforeAll(async () => {
  app = await serve({
    plugins: [
      auth({ viewers }),
      models({ bindings: {} }),
      simulated({ tokensPerSecond: 0 }),
      capabilities(),
      openai(),
      agents(),
      chat(),
      probePlugin(),
    ],
  });
  adas = await make();
});
afterAll(() => app[Symbol.asyncDispose]());

async function make(): Promise<Ids> {
  const change = async (query: string): Promise<string> => {
    const { data, text } = await ask(app, "HTTP", { query, token: tokens.ada });
    return (data as { result?: { made?: { id: string } } } | undefined)?.result?.made?.id ?? expect.fail(text);
  };
  const agent = await change(
    'mutation { result: createAgent(input: { name: "Secret agent", framework: "openai" }) { ... on CreateAgentPayload { made: agent { id } } ... on UserError { message } } }',
  );
  const thread = await change(
    `mutation { result: createThread(input: { title: "Secret title", agent: { id: "${agent}" } }) { ... on CreateThreadPayload { made: thread { id } } ... on UserError { message } } }`,
  );
  const run = await change(
    `mutation { result: sendMessage(input: { thread: "${thread}", text: "Secret words" }) { ... on SendMessagePayload { made: run { id } } ... on UserError { message } } }`,
  );
  return { agent, thread, run };
}

/** An id of that type that names nothing. */
const unknown = (type: "Thread" | "Run"): string => globalId(type, v7());

describe.each(ways)("over %s, an id of another tenant", (way) => {
  const asBob = (query: string, variables: Record<string, unknown> = {}) => ask(app, way, { query, variables, token: tokens.bob });

  it("names nothing, one by one and in lists", async () => {
    const query = "query ($id: ID!, $ids: [ID!]!) { node(id: $id) { __typename id } nodes(ids: $ids) { __typename id } }";
    const ids = Object.values(adas);
    for (const id of ids) expect((await asBob(query, { id, ids })).data).toEqual({ node: null, nodes: ids.map(() => null) });
    const lists = await asBob("{ agents { nodes { id name } } threads { nodes { id title } } runs { nodes { id } } }");
    expect(lists.text).not.toContain("Secret");
    expect(lists.data).toEqual({ agents: { nodes: [] }, threads: { nodes: [] }, runs: { nodes: [] } });
  });

  it("changes nothing, and looks like one that never was", async () => {
    const mutations = {
      Thread: "mutation ($id: ID!) { result: deleteThread(thread: $id) { __typename ... on UserError { code message } } }",
      Run: "mutation ($id: ID!) { result: cancelRun(run: $id) { __typename ... on UserError { code message } } }",
    };
    for (const [type, id] of [
      ["Thread", adas.thread],
      ["Run", adas.run],
    ] as const) {
      const foreign = await asBob(mutations[type], { id });
      expect(foreign.data).toMatchObject({ result: { __typename: "NotFoundError", code: "NOT_FOUND" } });
      expect(foreign.data).toEqual((await asBob(mutations[type], { id: unknown(type) })).data);
    }
    const sent = await asBob('mutation ($thread: ID!) { result: sendMessage(input: { thread: $thread, text: "hello" }) { __typename } }', {
      thread: adas.thread,
    });
    expect(sent.data).toEqual({ result: { __typename: "NotFoundError" } });
    const still = await ask(app, way, {
      query: "query ($id: ID!) { node(id: $id) { id } }",
      variables: { id: adas.thread },
      token: tokens.ada,
    });
    expect(still.data).toEqual({ node: { id: adas.thread } });
  });

  it("opens no stream", async () => {
    if (way === "HTTP") return;
    for (const query of [
      "subscription ($thread: ID!) { threadEvents(thread: $thread) { seq } }",
      "subscription ($thread: ID!) { threadActivity(thread: $thread) { __typename } }",
    ])
      expect(codesOf(await asBob(query, { thread: adas.thread }))).toEqual(["NOT_FOUND"]);
    expect(codesOf(await asBob("subscription ($run: ID!) { runEvents(run: $run) { seq } }", { run: adas.run }))).toEqual(["NOT_FOUND"]);
  });

  it("is not made by guessing, and what is no id is said to be none", async () => {
    for (const id of ["", "x", "1", "' or 1=1 --", "../../etc/passwd", "VGhyZWFkOg==", "\u0000", "x".repeat(100_000), "Thread:%"]) {
      const { data, errors, text } = await asBob("query ($id: ID!) { node(id: $id) { id } }", { id });
      expect((data as { node?: unknown } | undefined)?.node ?? null).toBeNull();
      for (const code of codesOf({ errors, text })) expect(["INVALID_ID", "INVALID_INPUT", "NOT_FOUND"]).toContain(code);
      expect(text.length).toBeLessThan(2_000);
    }
  });
});
