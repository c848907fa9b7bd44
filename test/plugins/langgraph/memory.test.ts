import { applyPatch } from "@langchain/core/utils/json_patch";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { graphs, type GraphParts } from "#plugins/langgraph";
import { agents, auth, capabilities, langgraph, models } from "../../../src/plugins/index.ts";
import { beginStream, plainAnswers, providerServer, scriptMemory, testPlatform } from "../../../src/testing/index.ts";
import { langgraphServer } from "./server.ts";
import { stateOf, Studio } from "./studio.ts";

const fact = { id: "1", scope: "USER", text: "Bob lives in Rome.", score: 1 } as const;
const memory = () => scriptMemory({ recall: () => [fact] });
const recalling = { instructions: "Be brief.", memory: { recall: true, scopes: ["USER"] } };

describe("what was recalled for a run", () => {
  it("is told to the models of a declared graph, whether a node has instructions of its own or not", async () => {
    const { begin, text, end, done } = plainAnswers.chat;
    await using server = await providerServer((response) => {
      beginStream(response);
      response.end(begin + text("Rome.") + end + done);
    });
    const binding = { baseURL: server.baseURL, apiKey: "sk-none", api: "chat", defaultModel: "m" } as const;
    const plugins = [auth(), models({ default: "local", bindings: { local: binding } }), capabilities(), agents(), langgraph(), memory()];
    await using app = await testPlatform({ plugins });
    const graph = {
      nodes: {
        own: { type: "model", instructions: "Speak ${input.tongue}.", history: "none", prompt: "Where?" },
        same: { type: "agent", history: "none", prompt: "When?" },
      },
      edges: [
        { from: "start", to: "own" },
        { from: "own", to: "same" },
        { from: "same", to: "end" },
      ],
    };
    const input = { name: "A", framework: "langgraph", options: { graph }, ...recalling };
    await app.graphql("mutation ($input: CreateAgentInput!) { createAgent(input: $input) { __typename } }", { input });
    await app.graphql(
      'mutation { startRun(input: { target: { agent: { name: "A" } }, text: "Where is Bob?", input: { tongue: "French" } }) { __typename } }',
    );
    await expect.poll(() => server.seen.length).toBe(2);
    const [own = "", same = ""] = server.seen.map(({ body }) => (body["messages"] as { content: string }[])[0]?.content);
    expect(own).toMatch(/^Speak French\.\n\n[^]*<memory>\n\{"scope":"USER","text":"Bob lives in Rome\."\}\n<\/memory>$/);
    expect(same).toMatch(/^Be brief\.\n\n[^]*<memory>\n\{"scope":"USER","text":"Bob lives in Rome\."\}\n<\/memory>$/);
  });

  it("is handed to the function that makes a graph, at the end of the instructions", async () => {
    const handed: (string | undefined)[] = [];
    const knowing = ({ model, instructions = "" }: GraphParts) => {
      handed.push(instructions);
      return createReactAgent({ llm: model, tools: [], prompt: instructions });
    };
    const plugin = definePlugin({ id: "loom", contributes: [contribution(graphs, "knowing", knowing)] });
    await using studio = await Studio.open({ plugins: [plugin(), memory()] });
    await studio.agent("knower", { graph: "knowing" }, recalling);
    expect(await studio.play("knower", { text: "Where is Bob?" })).toMatchObject({ status: "SUCCEEDED", text: "Hello." });
    expect(handed).toEqual([expect.stringMatching(/^Be brief\.\n\n[^]*Bob lives in Rome\./)]);
  });

  it("stands before the conversation that a graph on a server is given", async () => {
    await using server = await langgraphServer("lg-secret");
    const config = { remotes: { greet: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } };
    await using studio = await Studio.open({ config, plugins: [memory()] });
    await studio.agent("greeter", { graph: "greet" }, { memory: recalling.memory });
    const id = await studio.start("greeter", { text: "Hello." });
    await studio.until(id, ["WAITING"]);
    expect(stateOf(await studio.log(id), applyPatch as never)).toMatchObject({
      messages: [
        { type: "system", content: expect.stringContaining("Bob lives in Rome.") },
        { type: "human", content: "Hello." },
        { content: "Who are you?" },
      ],
    });
  });
});
