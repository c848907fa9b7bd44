import type { CallbackManager } from "@langchain/core/callbacks/manager";
import { Annotation, END, MessagesAnnotation, START, StateGraph, interrupt, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { graphs, type GraphSource } from "#plugins/langgraph";
import { withSaver, type Saver } from "./lent-saver.ts";
import { Studio } from "./studio.ts";

/** How a version of LangGraph hands writes to its checkpointer. */
type Writing = (saver: Saver, ...args: Parameters<Saver["putWrites"]>) => Promise<void>;

const State = Annotation.Root({ city: Annotation<string>, done: Annotation<string> });

/** A checkpointer as LangGraph 0.2 and 0.3 have it: checkpoints of the first version, whose list of what was sent is read unasked. */
function ofFirstVersion(saver: Saver, sent: Iterable<unknown>[]): Partial<Saver> {
  return {
    put: (config, checkpoint, ...rest) => saver.put(config, { ...checkpoint, v: 1 }, ...rest),
    getTuple: async (config) => {
      const tuple = await saver.getTuple(config);
      if (tuple) {
        const { pending_sends: sends, channel_versions: versions } = tuple.checkpoint;
        sent.push([...(sends as Iterable<unknown>)]);
        // An unknown channel is one that changed: the graph stops again where it stopped.
        expect(Object.keys(versions)).not.toContain("__pregel_tasks");
      }
      return tuple;
    },
  };
}

/** The graph as another version of LangGraph would run it: its checkpointer is called in another way. */
function asWrittenBy(writing: Writing, node: () => Partial<typeof State.State>, more: (saver: Saver) => Partial<Saver> = () => ({})) {
  const graph = new StateGraph(State).addNode("work", node).addEdge(START, "work").addEdge("work", END).compile();
  return withSaver(graph, (saver) => ({ putWrites: (...args) => writing(saver, ...args), ...more(saver) }));
}

/** The callbacks of a node as LangChain 0.3 has them: of a class of its own, whose runs know no events of a model's stream. */
function olderManager(manager: CallbackManager): CallbackManager {
  const methods: Partial<CallbackManager> = {
    copy: (...given) => olderManager(manager.copy(...given)),
    handleChatModelStart: async (...started) => {
      const runs = await manager.handleChatModelStart(...started);
      return runs.map((run) => Object.assign(run, { handleChatModelStreamEvent: undefined }));
    },
    getParentRunId: () => manager.getParentRunId(),
  };
  return Object.assign(Object.create(methods) as CallbackManager, { ...manager });
}

function written(change: (interrupt: Readonly<Record<string, unknown>>) => unknown): Writing {
  return (saver, config, writes, ...rest) => {
    const older = writes.map(([channel, value]) => [channel, channel === "__interrupt__" ? change((value as [never])[0]) : value] as const);
    return saver.putWrites(config, older, ...rest);
  };
}

async function studioOf(...graph: Parameters<typeof asWrittenBy>): Promise<Studio> {
  const plugin = definePlugin({ id: "older", contributes: [contribution(graphs, "older", asWrittenBy(...graph) as never)] });
  const studio = await Studio.open({ plugins: [plugin()] });
  await studio.agent("older", { graph: "older", output: "done" });
  return studio;
}

describe("a graph on an older LangGraph", () => {
  it.each<[string, Writing]>([
    ["as an object", written((each) => each)],
    ["as an object without an id", written(({ value }) => ({ value, when: "during", resumable: true }))],
    ["as a list without an id", written(({ value }) => [{ value, when: "during", resumable: true }])],
  ])("that writes what it asks %s waits for the answer and goes on with it", async (_, writing) => {
    await using studio = await studioOf(writing, () => {
      const city = interrupt("Where to?") as string;
      return { city, done: `${city}, ${interrupt(`How long in ${city}?`) as string}` };
    });
    const id = await studio.start("older", { input: { done: "" } });
    for (const [message, payload] of [
      ["Where to?", "Rome"],
      ["How long in Rome?", "a week"],
    ]) {
      const pending = async () => (await studio.until(id, ["WAITING"])).interrupts.nodes.find(({ status }) => status === "PENDING");
      await expect.poll(async () => (await pending())?.message).toBe(message);
      await studio.decide({ interrupt: (await pending())?.id, kind: "ANSWER", payload });
    }
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: "Rome, a week" });
  });

  it("that keeps checkpoints of the first version is given what was sent as a list, and goes on from them", async () => {
    const sent: Iterable<unknown>[] = [];
    const asks = () => ({ done: `${interrupt("Where to?") as string}!` });
    const plain: Writing = (saver, ...args) => saver.putWrites(...args);
    await using studio = await studioOf(plain, asks, (saver) => ofFirstVersion(saver, sent));
    const id = await studio.start("older", { input: { done: "" } });
    const [asked] = (await studio.until(id, ["WAITING"])).interrupts.nodes;
    await studio.decide({ interrupt: asked?.id, kind: "ANSWER", payload: "Rome" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: "Rome!" });
    expect(sent).toContainEqual([]);
  });

  it("hands our model its own callbacks, and is answered; the run is told of it as of any answer", async () => {
    const graph: GraphSource = ({ model }) =>
      new StateGraph(MessagesAnnotation)
        .addNode("say", async ({ messages }, config: LangGraphRunnableConfig) => ({
          messages: [await model.invoke(messages, { ...config, callbacks: olderManager(config.callbacks as CallbackManager) })],
        }))
        .addEdge(START, "say");
    const plugin = definePlugin({ id: "older", contributes: [contribution(graphs, "older", graph)] });
    await using studio = await Studio.open({ plugins: [plugin()], script: [{ reply: "Hello." }] });
    await studio.agent("older", { graph: "older" });
    const run = await studio.play("older", { text: "Hi." });
    expect(run).toMatchObject({ status: "SUCCEEDED", text: "Hello.", failure: null });
    expect(run.steps.nodes.map(({ key }) => key).toSorted()).toEqual(["say/1", "say/1/model/1"]);
  });

  it("that does not wait for its checkpointer fails with what went wrong there", async () => {
    const unawaited: Writing = (saver, ...args) => {
      void saver.putWrites(...args);
      return Promise.resolve();
    };
    await using studio = await studioOf(unawaited, () => ({ done: "x".repeat(5 * 1024 * 1024) }));
    expect(await studio.play("older", { input: { done: "" } })).toMatchObject({ status: "FAILED", failure: { code: "STATE_REFUSED" } });
  });
});
