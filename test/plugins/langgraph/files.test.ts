import { Readable } from "node:stream";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { Annotation, MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin, globalId } from "#weftline";
import { graphs } from "#plugins/langgraph";
import { chat, files } from "../../../src/plugins/index.ts";
import { filesService } from "../../../src/plugins/files/contract.ts";
import { beginStream, defaultViewer, plainAnswers, providerServer } from "../../../src/testing/index.ts";
import { Studio } from "./studio.ts";

const gif = {
  name: "dot.gif",
  mediaType: "image/gif",
  bytes: Buffer.from("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==", "base64"),
};
const pdf = { name: "paper.pdf", mediaType: "application/pdf", bytes: Buffer.from("%PDF-1.7 on looms") };
const data = gif.bytes.toString("base64");

/** Asks a person, and then says what its own messages hold. */
const looking = new StateGraph(MessagesAnnotation)
  .addNode("copy", ({ messages }) => ({ messages: [{ role: "user", content: (messages.at(-1) as BaseMessage).content }] }))
  .addNode("look", ({ messages }) => {
    interrupt("Look?");
    return { messages: [new AIMessage(`${JSON.stringify(messages.map(({ content }) => content)).split(data).length - 1} seen`)] };
  })
  .addEdge(START, "copy")
  .addEdge("copy", "look");

const declared = {
  nodes: { ask: { type: "interrupt", message: "Look?", output: "answer" }, look: { type: "model" } },
  edges: [
    { from: "start", to: "ask" },
    { from: "ask", to: "look" },
  ],
};

async function open() {
  const { begin, text, end, done } = plainAnswers.chat;
  const server = await providerServer((response) => {
    beginStream(response);
    response.end(begin + text("Seen.") + end + done);
  });
  const looker = definePlugin({ id: "looker", contributes: [contribution(graphs, "looking", looking)] });
  const studio = await Studio.open({
    plugins: [chat(), files(), looker()],
    bindings: { provider: { baseURL: server.baseURL, apiKey: "key", api: "chat", defaultModel: "model", files: ["image", "pdf"] } },
    config: { remotes: { away: { url: "http://127.0.0.1:9" } } },
  });
  return { server, studio };
}

async function mutate(studio: Studio, mutation: string, input: object): Promise<string> {
  const { result } = await studio.app.graphql<{ result: { made: { id: string } } }>(mutation, { input });
  return result.made.id;
}

/** @returns the id of the run that answers, and of the file. */
async function show(
  studio: Studio,
  agent: string,
  { name, mediaType, bytes } = gif,
): Promise<{ readonly run: string; readonly file: string }> {
  const { platform } = studio.app;
  const scope = platform.scope(defaultViewer);
  const { id: file } = await platform.use(filesService).create(scope, { name, mediaType, size: bytes.length });
  await platform.use(filesService).upload(scope, file, { body: Readable.from([bytes]) });
  const thread = await mutate(
    studio,
    "mutation ($input: CreateThreadInput!) { result: createThread(input: $input) { ... on CreateThreadPayload { made: thread { id } } } }",
    { agent: { name: agent } },
  );
  const run = await mutate(
    studio,
    "mutation ($input: SendMessageInput!) { result: sendMessage(input: $input) { ... on SendMessagePayload { made: run { id } } } }",
    { thread, parts: [{ text: "What is this?" }, { file: globalId("File", file) }] },
  );
  return { run, file };
}

describe("a file in the conversation of a graph", () => {
  it.each([gif, pdf])(
    "as $name is shown to the models of a declared graph, also after a restart, and stands in checkpoints and log by its id",
    async (given) => {
      const sent = given.bytes.toString("base64");
      const { server, studio } = await open();
      await using _ = server;
      await using __ = studio;
      await studio.agent("looker", { graph: declared });
      const { run, file } = await show(studio, "looker", given);
      const asking = await studio.until(run, ["WAITING"]);
      expect(JSON.stringify(asking.checkpoints)).toContain(`weftline:file:${file}`);
      await studio.app.restart();
      await studio.decide({ interrupt: asking.interrupts.nodes[0]?.id, kind: "ANSWER", payload: "yes" });
      const done = await studio.until(run);
      expect(done).toMatchObject({ status: "SUCCEEDED", text: "Seen." });
      expect(JSON.stringify(server.seen.map(({ body }) => body))).toContain(`data:${given.mediaType};base64,${sent}`);
      expect(JSON.stringify([done, await studio.log(run)])).not.toContain(sent);
    },
  );

  it("is told from what somebody writes that reads like its name", async () => {
    const said = "see base64,weftline:file:x";
    const part = { data: "weftline:file:x", words: [said, "weftline::file:y", "weftline:file:z"] };
    const telling = new StateGraph(Annotation.Root({ ...MessagesAnnotation.spec, part: Annotation<object>(), said: Annotation<string>() }))
      .addNode("write", () => ({ part, said }))
      .addNode("read", (state) => {
        interrupt("Read?");
        return { messages: [new AIMessage(JSON.stringify([state.part, state.said]))] };
      })
      .addEdge(START, "write")
      .addEdge("write", "read");
    const teller = definePlugin({ id: "teller", contributes: [contribution(graphs, "telling", telling)] });
    await using studio = await Studio.open({ plugins: [teller()] });
    await studio.agent("teller", { graph: "telling" });
    const id = await studio.start("teller", { text: `Tell me of ${part.words.join(" and ")}` });
    const asking = await studio.until(id, ["WAITING"]);
    await studio.app.restart();
    await studio.decide({ interrupt: asking.interrupts.nodes[0]?.id, kind: "ANSWER", payload: "yes" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: JSON.stringify([part, said]) });
  });

  it("is in the messages of a graph in code as LangChain has it, whatever models that asks", async () => {
    const { server, studio } = await open();
    await using _ = server;
    await using __ = studio;
    await studio.agent("looker", { graph: "looking" });
    const { run } = await show(studio, "looker");
    const asking = await studio.until(run, ["WAITING"]);
    await studio.app.restart();
    await studio.decide({ interrupt: asking.interrupts.nodes[0]?.id, kind: "ANSWER", payload: "yes" });
    const done = await studio.until(run);
    expect(done).toMatchObject({ status: "SUCCEEDED", text: "2 seen" });
    expect(JSON.stringify([done, await studio.log(run)])).not.toContain(data);
  });

  it("is refused by name for a graph on a server", async () => {
    const { server, studio } = await open();
    await using _ = server;
    await using __ = studio;
    await studio.agent("looker", { graph: "away" });
    const { run } = await show(studio, "looker");
    expect((await studio.until(run)).failure).toMatchObject({ code: "FILE_UNSUPPORTED", message: expect.stringContaining("dot.gif") });
  });
});
