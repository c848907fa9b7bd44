import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AIMessage } from "@langchain/core/messages";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { graphs, type GraphParts } from "#plugins/langgraph";
import { Message } from "../../../src/core/runs/entities/message.ts";
import { langgraphServer } from "./server.ts";
import { countingTool, Studio, type StudioOptions } from "./studio.ts";

/** A model of its own speaks, and after that the platform's where it is asked to; then something is told that no model said. */
const bringing = ({ model }: GraphParts) =>
  new StateGraph(MessagesAnnotation)
    .addNode("own", async (_: unknown, config) => ({
      messages: [await new FakeListChatModel({ responses: ["Mine."] }).invoke("Go.", config)],
    }))
    .addNode("ours", async (_: unknown, config) => ({ messages: [await model.invoke("Go.", config)] }))
    .addNode("tell", () => ({ messages: [new AIMessage("Told.")] }))
    .addEdge(START, "own")
    .addConditionalEdges("own", ({ messages }) => (messages[0]?.text === "Both." ? "ours" : "tell"), ["ours", "tell"])
    .addEdge("ours", "tell");

async function open(options: StudioOptions = {}): Promise<Studio> {
  const bringer = definePlugin({ id: "bringer", contributes: [contribution(graphs, "bringing", bringing)] });
  return Studio.open({ ...options, plugins: [bringer()] });
}

const shown = `query ($id: ID!) { run(id: $id) { status provenance failure { code message } usage { modelCalls unpricedCalls cost { priceSource } }
  steps(first: 20) { nodes { key name provenance } } } }`;

interface Shown {
  readonly provenance: string | null;
  readonly usage: object;
  readonly steps: { readonly nodes: readonly { readonly key: string; readonly name: string; readonly provenance: string | null }[] };
}

/** What came of a run, with its model calls and answers in their order. */
async function whoSaid(studio: Studio, id: string) {
  const { run } = await studio.app.graphql<{ run: Shown }>(shown, { id });
  const models = run.steps.nodes.filter(({ key }) => key.includes("model/")).map(({ name, provenance }) => [name, provenance]);
  const messages = await studio.app.platform.database.em("SYSTEM").find(Message, { role: "ASSISTANT" }, { orderBy: { id: "asc" } });
  return { ...run, models, messages: messages.map(({ provenance }) => provenance) };
}

describe("what a graph's own model says", () => {
  it("is LIVE where the agent's model is simulated and was not asked, and so is the run, at an unknown price", async () => {
    await using studio = await open();
    await studio.agent("bringer", { graph: "bringing" });
    const { id } = await studio.play("bringer", { text: "Alone." });
    expect(await whoSaid(studio, id)).toMatchObject({
      status: "SUCCEEDED",
      provenance: "LIVE",
      models: [["unknown", "LIVE"]],
      messages: ["LIVE", "LIVE"],
      usage: { modelCalls: 1, unpricedCalls: 1, cost: null },
    });
  });

  it("stays apart from what the simulated one says, by which the run is SIMULATED", async () => {
    await using studio = await open();
    await studio.agent("bringer", { graph: "bringing" });
    const { id } = await studio.play("bringer", { text: "Both." });
    expect(await whoSaid(studio, id)).toMatchObject({
      provenance: "SIMULATED",
      models: [
        ["unknown", "LIVE"],
        ["default", "SIMULATED"],
      ],
      messages: ["LIVE", "SIMULATED", "SIMULATED"],
      usage: { modelCalls: 2, unpricedCalls: 1, cost: { priceSource: "simulated" } },
    });
  });
});

describe("an agent whose graph is on a server", () => {
  async function remote(more: StudioOptions = {}) {
    const server = await langgraphServer("lg-secret");
    const { tool } = countingTool("web.read");
    const config = { remotes: { greet: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } };
    return { server, studio: await open({ ...more, tools: [tool], config }) };
  }

  it("is LIVE and well also where no model may answer here", async () => {
    const { server, studio } = await remote({ simulation: "forbidden" });
    await using _ = server;
    await using __ = studio;
    await studio.agent("greeter", { graph: "greet" });
    const id = await studio.start("greeter", { text: "Hello." });
    await studio.until(id, ["WAITING"]);
    expect(await whoSaid(studio, id)).toMatchObject({ provenance: "LIVE", messages: ["LIVE"] });
    const { agent } = await studio.app.graphql<{ agent: object }>(`{ agent(ref: { name: "greeter" }) { health { status } } }`);
    expect(agent).toEqual({ health: { status: "UP" } });
  });

  it("is refused what the server would never hear of, with each place", async () => {
    const { server, studio } = await remote();
    await using _ = server;
    await using __ = studio;
    const more = { instructions: "Be brief.", capabilities: ["web.read"], model: "script/default" };
    const answer = await studio.agent("greeter", { graph: "greet" }, more);
    expect(answer).toMatchObject({ __typename: "InvalidInputError", issues: [{}, {}, {}] });
    expect(answer.issues?.map(({ path }) => path.at(-1))).toEqual(["instructions", "capabilities", "model"]);
    const settings = await studio.agent("greeter", { graph: "greet", temperature: 0, reasoningEffort: "low", maxSteps: 3 });
    expect(settings.issues?.map(({ path }) => path.at(-1))).toEqual(["temperature", "reasoningEffort"]);
    expect(await studio.agent("greeter", { graph: "greet" }, { outputSchema: { type: "object" } })).toMatchObject({
      __typename: "CreateAgentPayload",
    });
  });

  it("fails where it was saved with such things before its graph went there", async () => {
    await using server = await langgraphServer("lg-secret");
    const dataDir = mkdtempSync(join(tmpdir(), "weftline-moved-"));
    const here = await open({ dataDir });
    await here.agent("bringer", { graph: "bringing" }, { instructions: "Be brief." });
    await here.app.close();
    const config = { remotes: { bringing: { url: server.url, apiKey: "lg-secret", graph: "greeter" } } };
    await using moved = await Studio.open({ config, dataDir });
    expect((await moved.play("bringer", { text: "Hello." })).failure).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("instructions"),
    });
    expect(server.asked).toEqual([]);
  });
});
