import { expect, look, pending, seeThrough, start } from "../runs.ts";
import type { Scenario } from "../scenario.ts";
import { localId, makeWorkflow, tool, transform, type NodeInput } from "./flow.ts";

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
/** Only what a lost process left unclear is decided: all other questions stay open until the run ends. */
const unclear = ({ kind }: { readonly kind: string }): boolean => kind === "UNCERTAIN";
const waiting: NodeInput = { key: "never", kind: "approval", config: { message: "Nobody answers this." } };

/** A workflow is cancelled while it and a run below it wait: what was done is undone, the last first, across waits and retries. */
export const undo: Scenario = {
  name: "undo",
  reaches: ["cancel", "withdrawQuestions", "park"],
  async prepare(world) {
    await makeWorkflow(world, "Waiting", [waiting]);
    await makeWorkflow(world, "Undone", [
      tool("a", "rig.pay", { id: "a" }, { undo: "ua" }),
      tool("ua", "rig.refund", { id: "a" }),
      tool("b", "rig.pay", { id: "b" }, { ...after("a"), undo: "ub" }),
      tool("ub", "rig.flaky", { id: "undo b", failures: 1 }, { retry: { attempts: 8, delay: "PT0.02S", factor: 1 } }),
      tool("c", "rig.note", { id: "c" }, { ...after("b"), undo: "uc" }),
      { key: "uc", kind: "wait", config: { duration: "PT0.2S" } },
      { key: "child", kind: "workflow", ...after("c"), config: { workflow: "Waiting", input: {} } },
      { key: "hold", kind: "approval", ...after("c"), config: { message: "Hold" } },
    ]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Undone" } }, "undone", { input: {} });
    await world.until("both wait", async () => {
      const { status } = await look(world, run);
      if (status === "CANCELLING" || status === "CANCELLED") return true;
      const asked = await pending(world);
      return asked.some(unclear) || asked.length === 2 ? true : undefined;
    });
    let cancelled: Promise<unknown> | undefined;
    const { status, failure } = await seeThrough(world, run, (asked) => {
      if (unclear(asked)) return true;
      cancelled ??= world.act("cancelRun", { run: ["ID!", run] });
      return false;
    });
    await cancelled;
    expect("the end of the cancelled run", [status, failure], ["CANCELLED", null]);
    for (const id of ["a", "b"]) expect(`how often ${id} was paid`, world.outside.count("rig.pay", id), 1);
    expect("how often a was paid back", world.outside.count("rig.refund", "a"), 1);
    const steps = await stepsOf(world.app.platform.database, run);
    expect("the order of undoing", [...new Set(steps.filter((key) => /^u[abc]$/.test(key)))], ["uc", "ub", "ua"]);
  },
};

async function stepsOf(
  { read }: { readonly read: { all<Row>(sql: string, ...params: readonly string[]): Promise<Row[]> } },
  run: string,
): Promise<string[]> {
  const sql = "select node_key from runs_step where run_id = ? and node_key is not null order by num";
  return (await read.all<{ node_key: string }>(sql, localId(run))).map(({ node_key }) => node_key);
}

/** A node fails while runs below and a question are open: these are cancelled, and what had succeeded is undone. A call that is a run is stopped in time. */
export const failing: Scenario = {
  name: "failing",
  reaches: ["cancelChildren", "cancelCall", "withdrawQuestions"],
  async prepare(world) {
    const stuck = await makeWorkflow(world, "Stuck", [tool("stuck", "rig.stuck", { id: "stuck" })]);
    await makeWorkflow(world, "Waiting", [waiting]);
    await makeWorkflow(world, "Failing", [
      tool("paid", "rig.pay", { id: "paid" }, { undo: "back" }),
      tool("back", "rig.refund", { id: "paid" }),
      { key: "child", kind: "workflow", config: { workflow: "Waiting", input: {} } },
      tool("late", "rig.below", { id: localId(stuck) }, { timeout: "PT0.15S", onError: "CONTINUE" }),
      { key: "nap", kind: "wait", config: { duration: "PT0.03S" } },
      { ...waiting, key: "asks" },
      tool("bad", "rig.fail", { id: "bad" }, after("paid", "late", "nap")),
      transform("never", "1", after("bad")),
    ]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Failing" } }, "failing", { input: {} });
    const { status, failure } = await seeThrough(world, run, unclear);
    expect("the end of the failed run", [status, failure?.code], ["FAILED", "NODE_FAILED"]);
    expect(
      "how often it was paid and paid back",
      [world.outside.count("rig.pay", "paid"), world.outside.count("rig.refund", "paid")],
      [1, 1],
    );
  },
};

/** A run is paused with the run below it, and resumed. */
export const pausing: Scenario = {
  name: "pausing",
  reaches: ["pause", "resume"],
  async prepare(world) {
    await makeWorkflow(world, "Allowed", [{ key: "allow", kind: "approval", config: { message: "Allow" } }]);
    await makeWorkflow(world, "Paused", [
      { key: "nap", kind: "wait", config: { duration: "PT0.04S" } },
      { key: "child", kind: "workflow", config: { workflow: "Allowed", input: {} } },
      tool("pay", "rig.pay", { id: "after the pause" }, after("nap", "child")),
    ]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Paused" } }, "paused", { input: {} });
    const paused = await world.until("a pause", async () => {
      const { status } = await look(world, run);
      if (status === "PAUSED" || status === "SUCCEEDED") return status;
      await world.act("pauseRun", { run: ["ID!", run] });
      return undefined;
    });
    if (paused === "PAUSED") await world.act("resumeRun", { run: ["ID!", run] });
    const { status } = await seeThrough(world, run);
    expect("the end of the paused run", status, "SUCCEEDED");
    expect("what was paid", world.outside.count("rig.pay", "after the pause"), 1);
  },
};

/** A run that failed is retried from the node that failed, and from a checkpoint: what went before is taken over. */
export const retrying: Scenario = {
  name: "retrying",
  reaches: ["retryRun"],
  async prepare(world) {
    await makeWorkflow(world, "Retried", [
      tool("pay", "rig.pay", { id: "once" }),
      tool("mended", "rig.flaky", { id: "mended", failures: 1_000 }, after("pay")),
    ]);
  },
  async play(world) {
    const run = await start(world, { workflow: { name: "Retried" } }, "retried", { input: {} });
    const first = await seeThrough(world, run);
    expect("the end of the first run", [first.status, first.failure?.code], ["FAILED", "NODE_FAILED"]);
    world.outside.attempts.set("mended", 1_000);
    const { checkpoints } = (
      await world.ask<{ run: { checkpoints: { nodes: { id: string }[] } } }>(
        "query ($id: ID!) { run(id: $id) { checkpoints(first: 10) { nodes { id } } } }",
        { id: run },
      )
    ).run;
    for (const [key, from] of Object.entries({ node: { fromNode: "mended" }, checkpoint: { checkpoint: checkpoints.nodes[0]?.id } })) {
      const again = await world.change<{ run: { id: string } }>("retryRun", { run, idempotencyKey: key, ...from }, "run { id }");
      const { status, output } = await seeThrough(world, again.run.id);
      expect(`the end of the retry from a ${key}`, [status, output], ["SUCCEEDED", "at last"]);
    }
    expect("what was paid", world.outside.count("rig.pay", "once"), 1);
  },
};
