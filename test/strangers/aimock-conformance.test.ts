import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, describe, it } from "vitest";
import { runtimeConformance } from "../../src/testing/index.ts";
import { frameworks, nameOf, ways } from "../conformance/frameworks.ts";
import { keepConnections } from "../conformance/keep-connections.ts";

const mock = new LLMock({ port: 0, logLevel: "silent" });
const usage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14, input_tokens: 9, output_tokens: 5 };
const call = (name: string, text: string) => ({ toolCalls: [{ name, arguments: { text } }], usage });
const paced = (tps: number) => ({ streamingProfile: { ttft: 5, tps }, chunkSize: 6 });

beforeAll(async () => {
  mock.on({ userMessage: "conformance.echo", hasToolResult: false }, call("conformance_echo", "thread"));
  mock.on({ userMessage: "conformance.echo", hasToolResult: true }, { content: "The tool was heard.", usage });
  mock.on({ userMessage: "conformance.send", hasToolResult: false }, call("conformance_send", "letter"));
  mock.on({ userMessage: "conformance.send", hasToolResult: true }, { content: "The letter is sent.", usage });
  mock.onMessage(/slowly/, { content: "word ".repeat(2_000), usage }, paced(50));
  mock.onMessage(/Break the schema/, { content: '{"colour":7}', usage });
  mock.onMessage(/Forget the schema/, { content: "Red, I would say.", usage });
  mock.onMessage(/schema/, { content: '{"colour":"red"}', usage });
  mock.onMessage(/Repeat/, ({ messages }) => ({
    content: `${String(messages.at(-1)?.content)} and ${String(messages.at(-1)?.content)}`,
    usage,
  }));
  mock.onMessage(/hello/, { content: "Hello. This is an answer of several words.", usage }, paced(100));
  await mock.start();
  keepConnections(mock);
});
afterAll(() => mock.stop());

/** Checks that bring a server of their own. */
const apart = /^on the wire|^shows (its|the) model/;

/** The suite against another reading of the protocol than ours. */
describe.each(ways.map((way) => [nameOf(way), way] as const))("%s, against a mock server", (name, { framework, api }) => {
  const suite = runtimeConformance(name, {
    plugins: () => frameworks.get(framework)?.() ?? [],
    framework,
    model: api,
    get provider() {
      return { baseURL: `${mock.url}/v1`, apiKey: "sk-none" };
    },
  });
  it.each(suite.checks.filter(({ name: says }) => !apart.test(says)))("$name", ({ run }) => run());
});
