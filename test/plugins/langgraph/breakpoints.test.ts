import { Annotation, END, START, Send, StateGraph, interrupt } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { contribution, definePlugin } from "#weftline";
import { graphs, type GraphSource } from "#plugins/langgraph";
import { withSaver, type Saver, type Tuple } from "./lent-saver.ts";
import { ended, Studio, type RunSeen } from "./studio.ts";

const State = Annotation.Root({
  done: Annotation<string[]>({ reducer: (before, more) => [...before, ...more], default: () => [] }),
  item: Annotation<string>(),
});
type Values = typeof State.State;
const does = (what: string) => (): Partial<Values> => ({ done: [what] });
const line = () =>
  new StateGraph(State).addNode("one", does("one")).addNode("two", does("two")).addEdge(START, "one").addEdge("one", "two");
const around = (inner: ReturnType<ReturnType<typeof line>["compile"]>) =>
  new StateGraph(State).addNode("inner", inner).addNode("last", does("last")).addEdge(START, "inner").addEdge("inner", "last");
const circle = () =>
  new StateGraph(State)
    .addNode("turn", does("turn"))
    .addEdge(START, "turn")
    .addConditionalEdges("turn", ({ done }: Values) => (done.length < 3 ? "turn" : END), ["turn", END]);
const spread = () =>
  new StateGraph(State)
    .addNode("plan", does("plan"))
    .addNode("each", ({ item }: Values) => ({ done: [item] }))
    .addEdge(START, "plan")
    .addConditionalEdges("plan", () => ["a", "b"].map((item) => new Send("each", { item })), ["each"]);

const sent = "__pregel_tasks";
const renamed = (versions: Readonly<Record<string, unknown>> = {}) =>
  Object.fromEntries(Object.entries(versions).map(([name, version]) => [name === sent ? "sent" : name, version]));

/** LangGraph 0.2 and 0.3 write the first version of checkpoints, and do not know the channel of what was sent. */
function older(saver: Saver): Partial<Saver> {
  return {
    put: (config, checkpoint, ...rest) => saver.put(config, { ...checkpoint, v: 1 }, ...rest),
    getTuple: async (config) => {
      const tuple = await saver.getTuple(config);
      const seen = tuple?.checkpoint.versions_seen;
      return (
        tuple && changed(tuple, renamed(tuple.checkpoint.channel_versions), { ...seen, __interrupt__: renamed(seen?.["__interrupt__"]) })
      );
    },
  };
}

/** A channel has a version that the graph never comes to see: it stops where it stopped, as often as it is let go on. */
function forgetful(saver: Saver): Partial<Saver> {
  return {
    getTuple: async (config) => {
      const tuple = await saver.getTuple(config);
      return tuple && changed(tuple, { ...tuple.checkpoint.channel_versions, unknown: "9" }, tuple.checkpoint.versions_seen);
    },
  };
}

function changed({ checkpoint, ...rest }: Tuple, channel_versions: object, versions_seen: object): Tuple {
  return { ...rest, checkpoint: { ...checkpoint, channel_versions, versions_seen } as Tuple["checkpoint"] };
}

/** Approves whatever is asked, until the run has ended. */
async function approved(graph: GraphSource): Promise<{ readonly run: RunSeen; readonly done: unknown }> {
  const plugin = definePlugin({ id: "stops", contributes: [contribution(graphs, "stops", graph)] });
  await using studio = await Studio.open({ plugins: [plugin()] });
  await studio.agent("stops", { graph: "stops", output: "done" });
  const id = await studio.start("stops", { input: { item: "" } });
  let decided = 0;
  for (;;) {
    await expect.poll(async () => isAtRest(await studio.see(id), decided), { interval: 5 }).toBe(true);
    const run = await studio.see(id);
    if (run.status !== "WAITING") return { run, done: run.checkpoints.nodes[0]?.state["done"] };
    decided += 1;
    const pending = run.interrupts.nodes.find(({ status }) => status === "PENDING");
    await studio.decide({ interrupt: pending?.id, kind: "APPROVE" });
  }
}

/** Whether a run has ended, or asks again after some questions were decided. */
function isAtRest({ status, interrupts }: RunSeen, decided: number): boolean {
  return ended.includes(status) || (status === "WAITING" && interrupts.nodes.length > decided);
}

describe("a graph that was compiled to stop", () => {
  it.each<[string, () => GraphSource, readonly string[], readonly string[]]>([
    [
      "before a node it comes round to",
      () => circle().compile({ interruptBefore: ["turn"] }),
      ["turn", "turn", "turn"],
      ["turn", "turn", "turn"],
    ],
    ["after a node it comes round to", () => circle().compile({ interruptAfter: ["turn"] }), ["turn", "turn"], ["turn", "turn", "turn"]],
    ["within a node", () => around(line().compile({ interruptBefore: ["one", "two"] })), ["inner", "inner"], ["one", "two", "last"]],
    ["after each node within a node", () => around(line().compile({ interruptAfter: "*" })), ["inner", "inner"], ["one", "two", "last"]],
    ["before what was sent", () => spread().compile({ interruptBefore: ["each"] }), ["each, each"], ["plan", "a", "b"]],
    [
      "before what was sent, on an older LangGraph",
      () => withSaver(spread().compile({ interruptBefore: ["each"] }), older),
      ["each, each"],
      ["plan", "a", "b"],
    ],
  ])("%s asks each time, and runs what was approved", async (_, graph, asked, done) => {
    const { run, done: ran } = await approved(graph());
    expect(run).toMatchObject({ status: "SUCCEEDED", failure: null });
    expect(run.interrupts.nodes.map(({ message }) => message)).toEqual(asked.map((next) => `Go on with ${next}?`));
    expect(ran).toEqual(done);
  });

  it.each<[string, () => GraphSource, string]>([
    ["although it was let go on", () => withSaver(line().compile({ interruptBefore: ["two"] }), forgetful), "two"],
    ["as what it has within keeps nothing", () => around(line().compile({ interruptBefore: ["two"], checkpointer: false })), "inner"],
  ])("and stops there again %s fails, and is not taken for done", async (_, graph, node) => {
    const { run } = await approved(graph());
    expect(run).toMatchObject({ status: "FAILED", failure: { code: "NODE_FAILED" }, interrupts: { nodes: { length: 1 } } });
    expect(run.failure?.message).toMatch(new RegExp(`"${node}" failed: going on was approved.* @langchain/langgraph \\d+\\.\\d+\\.\\d+`));
  });

  it("within a node, beside one that asks, asks for both before either goes on", async () => {
    const graph = around(line().compile({ interruptBefore: ["two"] })).addNode("ask", () => ({
      done: [interrupt<string, string>("Where to?")],
    }));
    const plugin = definePlugin({ id: "stops", contributes: [contribution(graphs, "stops", graph.addEdge(START, "ask"))] });
    await using studio = await Studio.open({ plugins: [plugin()] });
    await studio.agent("stops", { graph: "stops", output: "done" });
    const id = await studio.start("stops", { input: { item: "" } });
    const { nodes } = (await studio.until(id, ["WAITING"])).interrupts;
    expect(nodes.map(({ message }) => message).toSorted()).toEqual(["Go on with inner?", "Where to?"]);
    const [where, goOn] = ["Where to?", "Go on with inner?"].map((message) => nodes.find((each) => each.message === message));
    await studio.decide({ interrupt: where?.id, kind: "ANSWER", payload: "Rome" });
    await studio.decide({ interrupt: goOn?.id, kind: "APPROVE" });
    expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: '["Rome","one","two","last"]' });
  });

  it("and to keep nothing is refused with what to change", async () => {
    const { run } = await approved(line().compile({ interruptBefore: ["two"], checkpointer: false }));
    expect(run).toMatchObject({
      status: "FAILED",
      failure: { code: "UNAVAILABLE", message: expect.stringContaining("checkpointer: false") },
    });
  });
});
