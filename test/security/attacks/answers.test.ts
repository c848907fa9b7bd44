import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { agents, auth, capabilities, chat, models, openai, simulated } from "../../../src/plugins/index.ts";
import { probePlugin, serve, type Served } from "../../graphql/fixture.ts";
import { ask, codesOf, ways } from "./ways.ts";

let app: Served;
let thread: string;
beforeAll(async () => {
  app = await serve({
    plugins: [auth(), models({ bindings: {} }), simulated(), capabilities(), openai(), agents(), chat(), probePlugin()],
    server: { limits: { responseBytes: 200_000 } },
  });
  const made = await ask(app, "HTTP", {
    query: `mutation { createAgentFromTemplate(input: { template: "assistant", name: "Ada" }) { __typename }
      createThread(input: { agent: { name: "Ada" } }) { ... on CreateThreadPayload { thread { id } } } }`,
  });
  thread = (made.data as { createThread: { thread: { id: string } } }).createThread.thread.id;
  const text = "x".repeat(60_000);
  const send = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }";
  await ask(app, "HTTP", { query: send, variables: { input: { thread, text } } });
});
afterAll(() => app[Symbol.asyncDispose]());

const history = (times: number, field: string): string =>
  `query ($thread: ID!) { thread(id: $thread) { ${Array.from({ length: times }, (_, at) => `a${at}: messages(first: 1) { nodes { ${field} } }`).join(" ")} } }`;

describe.each(ways)("over %s, an answer", (way) => {
  it.each(["text", "parts { ... on TextPart { text } }"])("that would be too long is an error of its own: %s", async (field) => {
    const whole = await ask(app, way, { query: history(2, field), variables: { thread } });
    expect(whole.errors).toEqual([]);
    expect(whole.text.length).toBeGreaterThan(120_000);
    const refused = await ask(app, way, { query: history(60, field), variables: { thread } });
    expect(refused.data ?? null).toBeNull();
    expect(codesOf(refused)).toEqual(["OPERATION_LIMIT"]);
    expect(refused.text.length).toBeLessThan(1_000);
  });

  it("counts escapes, of which a character may take six", async () => {
    const aliases = Array.from({ length: 10 }, (_, at) => `a${at}: probeEcho(text: $t)`).join(" ");
    const answer = await ask(app, way, { query: `query ($t: String!) { ${aliases} }`, variables: { t: "\u0001".repeat(10_000) } });
    expect(codesOf(answer)).toEqual(["OPERATION_LIMIT"]);
  });
});

describe("events of a subscription", () => {
  it("are an answer each, however many there are", async () => {
    const client = app.client();
    const seen = [];
    for await (const { data } of client.iterate({ query: 'subscription { probeBulk(to: 40, bytes: 20000, name: "b") }' })) seen.push(data);
    await client.dispose();
    expect(seen).toHaveLength(40);
    expect(seen.every((each) => each != null)).toBe(true);
  });
});
