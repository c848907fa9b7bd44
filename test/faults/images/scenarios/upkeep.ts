import { expect, look, pending, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import { localId, makeAgent, makeWorkflow, tool } from "./flow.ts";

/** Agents on two frameworks talk, ask and are cancelled above a run that waits. */
export const talking: Scenario = {
  name: "talking",
  reaches: ["checkpoint", "endChildren", "cancel"],
  async prepare(world) {
    const capabilities = ["rig.note", "rig.pay"];
    await makeAgent(world, "Graph", { framework: "langgraph", capabilities });
    await makeAgent(world, "Sender", { capabilities: ["message.send"] });
    await makeAgent(world, "Head", { capabilities: ["agent.Sender"] });
  },
  async play(world) {
    const graph = await start(world, { agent: { name: "Graph" } }, "graph", {
      text: 'Use rig.note with {"id": "graph"} and rig.pay with {"id": "graph"} and say so.',
    });
    const end = await seeThrough(world, graph, ({ kind }) => kind === "UNCERTAIN");
    expect("the end of the graph", end.status, "SUCCEEDED");
    expect("what it paid", world.outside.count("rig.pay", "graph"), 1);

    const head = await start(world, { agent: { name: "Head" } }, "head", { text: "Use agent.Sender to use message.send." });
    const state = await world.until("the sender asks", async () => {
      const { status } = await look(world, head);
      const asked = await pending(world);
      return status !== "RUNNING" && status !== "QUEUED" && status !== "WAITING" ? status : asked.length > 0 ? "asked" : undefined;
    });
    if (state === "asked") await world.act("cancelRun", { run: ["ID!", head] });
    expect("the end of the head", (await seeThrough(world, head, () => false)).status, "CANCELLED");
  },
};

/** What time brings about: questions and runs expire, keys and deltas go, and who waits for a run that is gone is let go. */
export const time: Scenario = {
  name: "time",
  reaches: ["expireInterrupt", "expireRun", "compact", "forgetKeys", "freeStranded", "sumUsage", "sumRuns"],
  async prepare(world) {
    await makeAgent(world, "Talker");
    await makeWorkflow(world, "Expiring", [
      { key: "ask", kind: "approval", timeout: "PT0.05S", onError: "CONTINUE", config: { message: "In time?" } },
      tool("note", "rig.note", { id: "expired" }, { dependsOn: ["ask"] }),
    ]);
    await makeWorkflow(world, "Late", [{ key: "ask", kind: "approval", config: { message: "Never" } }]);
  },
  async play(world) {
    const nobody = (): boolean => false;
    const expiring = await start(world, { workflow: { name: "Expiring" } }, "expiring", { input: {} });
    expect("the end of what nobody answered", (await seeThrough(world, expiring, nobody)).status, "SUCCEEDED");
    const late = await start(world, { workflow: { name: "Late" } }, "late", { input: {}, limits: { deadline: "PT0.5S" } });
    expect("the end of what took too long", (await seeThrough(world, late, nobody)).status, "EXPIRED");

    const thread = await world.change<{ thread: { id: string } }>(
      "createThread",
      { title: "Busy", idempotencyKey: "busy" },
      "thread { id }",
    );
    const target = { workflow: { name: "Late" } };
    const place = { input: {}, thread: thread.thread.id };
    const before = await start(world, target, "before", place);
    const behind = await start(world, target, "behind", place);
    // As a row that was lost leaves it.
    await world.app.platform.database.commit(({ sql }) =>
      sql.run("update runs_run set blocked_by_id = 'gone' where id = ? and status = 'QUEUED'", localId(behind)),
    );
    const stranded = "select id from runs_run where blocked_by_id = 'gone'";
    await world.until("it waits for no run that is gone", async () =>
      (await world.app.platform.database.read.all(stranded)).length === 0 ? true : undefined,
    );
    for (const run of [before, behind]) await world.act("cancelRun", { run: ["ID!", run] });
    for (const run of [before, behind]) await seeThrough(world, run, nobody);

    const words = await start(world, { agent: { name: "Talker" } }, "words", { text: "Write 40 words about rivers." });
    const { status, text } = await seeThrough(world, words);
    expect("the end of the talk", status, "SUCCEEDED");
    const kept = async (): Promise<number> =>
      (await world.app.platform.database.read.get<{ n: number }>("select count(*) as n from runs_event where kind = 'message.delta'"))?.n ??
      0;
    await world.until("deltas are dropped", async () => ((await kept()) === 0 ? true : undefined));
    expect("what was said", (await look(world, words)).text, text);
    const calls = `select (select count(*) from runs_usage where summed = 0) as new, (select count(*) from runs_usage) as made,
      (select coalesce(sum(calls), 0) from runs_usage_sum where dimension = 'ALL' and grain = 'DAY' and owner_id = '') as summed`;
    const { made, summed } = await world.until("every call stands in the sums", async () => {
      const row = await world.app.platform.database.read.get<{ new: number; made: number; summed: number }>(calls);
      return row?.new === 0 ? row : undefined;
    });
    expect("the calls in the sums", summed, made);
  },
};

/** A server that is stopped in the middle of a call, and started again. */
export const closing: Scenario = {
  name: "closing",
  reaches: ["release"],
  async prepare(world) {
    await makeWorkflow(world, "Closed", [
      tool("hang", "rig.hang", { id: "hang" }),
      tool("pay", "rig.pay", { id: "closed" }, { dependsOn: ["hang"] }),
    ]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Closed" } }, "closed", { input: {} });
    if (!world.outside.attempts.has("hang")) {
      await world.until("it hangs", async () => (world.outside.attempts.has("hang") ? true : undefined));
      await world.app.restart();
    }
    expect("the end of the closed run", (await seeThrough(world, run)).status, "SUCCEEDED");
    expect("what it paid", world.outside.count("rig.pay", "closed"), 1);
  },
};

/** Workflows are made, changed, archived and restored, and one is brought by a plugin. */
export const editing: Scenario = {
  name: "editing",
  reaches: ["createWorkflow", "workflows.update", "workflows.archive", "workflows.restore", "workflows.provide"],
  prepare: async () => undefined,
  async play(world) {
    const ref = ["WorkflowRef!", { name: "Edited" }] as const;
    await makeWorkflow(world, "Edited", [{ key: "one", kind: "transform", config: { expression: "1" } }]);
    const found = async () =>
      (
        await world.ask<{ workflow: { version: number; archived: boolean; description: string | null; nodes: { config: object }[] } }>(
          '{ workflow(ref: { name: "Edited" }) { version archived description nodes { config } } }',
        )
      ).workflow;
    if ((await found()).version === 1)
      await world.change(
        "updateWorkflow",
        { workflow: ref[1], nodes: [{ key: "one", kind: "transform", config: { expression: "2" } }] },
        "__typename",
      );
    await world.act("archiveWorkflow", { workflow: ref });
    await world.change("updateWorkflow", { workflow: ref[1], archived: false, description: "Edited" }, "__typename");
    if ((await found()).version === 2) await world.act("restoreWorkflowVersion", { workflow: ref, version: ["Int!", 1] });
    expect("the workflow", await found(), { version: 3, archived: false, description: "Edited", nodes: [{ config: { expression: "1" } }] });
    const { workflow } = await world.ask<{ workflow: { version: number } }>('{ workflow(ref: { name: "brought" }) { version } }');
    expect("the workflow of the plugin", workflow, { version: 1 });
  },
};
