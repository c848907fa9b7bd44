import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLoom, statusesOf, type Loom, type NodeInput, type RunSeen } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const asks = (kind: string, more: object = {}): NodeInput => ({
  key: "ask",
  kind,
  timeout: "PT0.02S",
  config: { message: "Go on?" },
  ...more,
});
const gives = (key: string, expression: string, more: object = {}): NodeInput => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});

async function interruptsOf(run: string): Promise<readonly string[]> {
  const { run: seen } = await loom.app.graphql<{ run: { interrupts: { nodes: { status: string }[] } } }>(
    "query ($run: ID!) { run(id: $run) { interrupts(first: 10) { nodes { status } } } }",
    { run },
  );
  return seen.interrupts.nodes.map(({ status }) => status);
}

async function played(nodes: readonly NodeInput[]): Promise<RunSeen & { readonly interrupts: readonly string[] }> {
  const run = await loom.start(await loom.create(nodes));
  await loom.follow(run);
  return { ...(await loom.look(run)), interrupts: await interruptsOf(run) };
}

/** Its node is over by then: it has expired, or ended with its run. */
const over = expect.stringMatching(/^(EXPIRED|CANCELLED)$/) as string;

describe.each(["approval", "input"])("a question of the kind %s that nobody answers within the node's timeout", (kind) => {
  it("expires, and fails the node and the run", async () => {
    const run = await played([asks(kind), gives("after", "1", { dependsOn: ["ask"] })]);
    expect(run).toMatchObject({ status: "FAILED", interrupts: [over], failure: { code: "NODE_FAILED" } });
    expect(run.failure?.message).toBe('The node "ask" failed: The node was not done within 20 ms.');
    expect(statusesOf(run)).toEqual({ ask: "FAILED" });
  });

  it("is let be with CONTINUE, and routed with ROUTE", async () => {
    const going = await played([asks(kind, { onError: "CONTINUE" }), gives("after", "nodes.ask.output == null", { dependsOn: ["ask"] })]);
    expect(going).toMatchObject({ status: "SUCCEEDED", output: true, interrupts: [over] });
    const routed = await played([asks(kind, { onError: "ROUTE", errorNode: "late" }), gives("late", "nodes.ask.error")]);
    expect(routed).toMatchObject({ status: "SUCCEEDED", output: expect.any(String) as string, interrupts: [over] });
  });

  it("is asked again by a retry", async () => {
    const run = await played([asks(kind, { retry: { attempts: 2, delay: "PT0.001S" } })]);
    expect(run).toMatchObject({ status: "FAILED", interrupts: [over, over] });
    expect(run.steps.map(({ attempt, status }) => [attempt, status])).toEqual([
      [1, "FAILED"],
      [2, "FAILED"],
    ]);
  });

  it("ends with its run, where that comes to its deadline first", async () => {
    const run = await loom.start(await loom.create([asks(kind, { timeout: "PT1H" })]), {}, { limits: { deadline: "PT0.05S" } });
    await loom.follow(run);
    expect(await loom.look(run)).toMatchObject({ status: "EXPIRED", failure: { code: "RUN_DEADLINE" } });
    expect(await interruptsOf(run)).toEqual(["CANCELLED"]);
  });

  it("cannot be decided any more", async () => {
    const run = await loom.start(await loom.create([asks(kind)]));
    const events = await loom.follow(run);
    const interrupt = events.find((event) => event.interrupt)?.interrupt;
    if (!interrupt) throw new Error("nothing was asked");
    expect(await loom.decide(interrupt, kind === "input" ? { kind: "ANSWER", payload: 1 } : { kind: "APPROVE" })).toBe("ConflictError");
  });
});
