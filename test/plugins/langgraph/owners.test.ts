import { Annotation, START, StateGraph, type LangGraphRunnableConfig } from "@langchain/langgraph";
import { describe, expect, it } from "vitest";
import { contribution, databaseService, definePlugin } from "#weftline";
import { graphs } from "#plugins/langgraph";
import { uncaughtErrors } from "../../../src/core/process/uncaught-errors.ts";
import { EmbeddedEngine } from "../../../src/core/runs/engine.ts";
import { faultInjections } from "../../../src/core/runs/failpoint.ts";
import { RunCounters } from "../../../src/core/runs/figures.ts";
import { Hub } from "../../../src/core/runs/hub.ts";
import { turnLookup } from "../../../src/core/runs/plugin.ts";
import { ProviderFailures } from "../../../src/core/runs/provider-failures.ts";
import { StallWatch } from "../../../src/core/runs/stall-watch.ts";
import { StorageQuota } from "../../../src/core/runs/storage-quota.ts";
import { ToolGates } from "../../../src/core/runs/tool-gates.ts";
import { LogWriter } from "../../../src/core/runs/writer.ts";
import { Studio } from "./studio.ts";

const names = ["n1", "n2", "n3", "n4", "n5", "n6"] as const;

/** Counts each node of each run, and lets the test hold one up. */
function countingGraph(before: (thread: string, node: string) => Promise<unknown> | void) {
  const counts = new Map<string, number>();
  const builder = new StateGraph(Annotation.Root({ done: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }) }));
  for (const name of names) {
    builder.addNode(name, async (_: unknown, config: LangGraphRunnableConfig) => {
      const key = `${String(config.configurable?.["thread_id"])} ${name}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      await before(String(config.configurable?.["thread_id"]), name);
      return { done: [name] };
    });
  }
  const edges = builder as unknown as { addEdge(from: string, to: string): void };
  names.forEach((name, at) => edges.addEdge(at === 0 ? START : (names[at - 1] as string), name));
  return { builder, counts };
}

/** A host with an engine of few places, and a second engine on the same store. */
async function twoOwners(builder: object) {
  const injection = { failpoint: () => {}, engine: { concurrency: 3, sweepMs: 60_000 } };
  const plugin = definePlugin({
    id: "owners",
    contributes: [contribution(graphs, "count", builder), contribution(faultInjections, "suite", injection)],
  });
  const studio = await Studio.open({ plugins: [plugin()] });
  await studio.agent("counter", { graph: "count", output: "done" });
  const { platform } = studio.app;
  const database = platform.use(databaseService);
  const counters = new RunCounters();
  const writer = new LogWriter(database, new Hub(), {
    outboxes: new Map(),
    ring: () => undefined,
    ringIn: () => undefined,
    wake: () => undefined,
    committed: () => undefined,
    counters,
  });
  const second = new EmbeddedEngine(
    {
      database,
      writer,
      log: platform.host.log,
      lookup: platform.use(turnLookup),
      gates: new ToolGates(),
      uncaught: platform.use(uncaughtErrors),
      providers: new ProviderFailures(platform.host.log),
      signals: undefined as never,
      advanceBelow: async () => undefined,
      stalls: new StallWatch(studio.app.dataDir),
      counters,
      quota: new StorageQuota(database, () => ({ runBytes: Infinity, storedBytesPerViewer: Infinity, storedBytesPerTenant: Infinity })),
    },
    { concurrency: 100, leaseMs: 15_000, sweepMs: 10, stallMs: 5_000 },
  );
  return { studio, second, database };
}

describe("two owners of one store", () => {
  it("that want the same runs execute every node of each once", async () => {
    const { builder, counts } = countingGraph(() => {});
    const { studio, second } = await twoOwners(builder);
    await using _ = studio;
    await second.start("join");
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, second.active)), 1);
    const ids = await Promise.all(Array.from({ length: 30 }, () => studio.start("counter", { input: { done: [] } })));
    for (const id of ids) expect(await studio.until(id)).toMatchObject({ status: "SUCCEEDED", text: JSON.stringify(names) });
    clearInterval(watch);
    await second.stop(1_000);
    expect(most, "the second has worked too").toBeGreaterThan(0);
    expect(counts.size).toBe(30 * names.length);
    expect([...counts.values()].filter((count) => count !== 1)).toEqual([]);
  });

  it("one of which hung while the other took over repeat the node that was under way and nothing else", async () => {
    const reached = Promise.withResolvers<string>();
    const release = Promise.withResolvers<void>();
    let held = false;
    const { builder, counts } = countingGraph((thread, node) => {
      if (node !== "n3" || held) return undefined;
      held = true;
      reached.resolve(thread);
      return release.promise;
    });
    const { studio, second, database } = await twoOwners(builder);
    await using _ = studio;
    const id = await studio.start("counter", { input: { done: [] } });
    const thread = await reached.promise;
    // Its lease lapses, as that of a process that stands still.
    await database.commit(({ sql }) => sql.run("update runs_run set lease_until = 0 where id = ?", thread));
    await second.start("join");
    const run = await studio.until(id);
    expect(run).toMatchObject({ status: "SUCCEEDED", text: JSON.stringify(names) });
    const before = await studio.log(id);
    release.resolve();
    await expect
      .poll(() => studio.app.platform.database.read.get("select count(*) as n from runs_run where lease_owner is not null"))
      .toEqual({ n: 0 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await second.stop(1_000);
    expect(names.map((name) => counts.get(`${thread} ${name}`))).toEqual([1, 1, 2, 1, 1, 1]);
    expect(await studio.log(id), "the one that hung wrote nothing more").toEqual(before);
    expect((await studio.see(id)).checkpoints.nodes).toHaveLength(names.length + 2);
  });
});
