import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { testPlatform, type TestPlatform } from "../../../src/testing/index.ts";
import { called, finished, seen, shop, tool } from "./play.ts";

let running = 0;
let most = 0;
let gate = Promise.withResolvers<void>();
const began: unknown[] = [];
const busy = (name: string, concurrency: number | undefined, work: () => Promise<unknown>, timeoutMs = 5_000) =>
  tool(name, {
    timeoutMs,
    ...(concurrency === undefined ? {} : { concurrency }),
    execute: async ({ n }: { readonly n: number }) => {
      began.push(n);
      most = Math.max(most, ++running);
      await work().finally(() => running--);
      return n;
    },
  });

let app: TestPlatform;
beforeAll(async () => {
  app = await testPlatform({
    plugins: [
      capabilities({ tools: { "press.set": { concurrency: 3 } } }),
      shop(
        busy("press.free", undefined, () => gate.promise),
        busy("press.two", 2, () => sleep(30)),
        busy("press.one", 1, () => sleep(40), 400),
        busy("press.held", 1, () => gate.promise),
        busy("press.set", 1, () => sleep(30)),
        busy("press.broken", 1, () => Promise.reject(new Error("jammed"))),
      ),
    ],
  });
});
afterAll(() => app.close());
beforeEach(() => {
  most = 0;
  began.length = 0;
  gate = Promise.withResolvers<void>();
});

const callAll = (name: string, count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => called(app, name, { n })));

async function outcomes(runs: readonly string[]): Promise<unknown[]> {
  return Promise.all(runs.map(async (run) => (await finished(app, run)).output));
}

describe("a tool's concurrency", () => {
  it("is any number unless the tool says", async () => {
    const runs = await callAll("press.free", 6);
    await expect.poll(() => most).toBe(6);
    gate.resolve();
    expect(await outcomes(runs)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("lets so many calls run at once, over all runs, and all of them in the end", async () => {
    expect(await outcomes(await callAll("press.two", 6))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it("may be set by the operator", async () => {
    await outcomes(await callAll("press.set", 8));
    expect(most).toBe(3);
    const { capabilities: all } = (await app.graphql(
      '{ capabilities(search: "press.") { nodes { name ... on Tool { concurrency } } } }',
    )) as {
      capabilities: { nodes: unknown[] };
    };
    expect(all.nodes).toContainEqual({ name: "press.set", concurrency: 3 });
    expect(all.nodes).toContainEqual({ name: "press.free", concurrency: null });
  });

  it("makes calls wait on nobody's time but their own: the tool's timeout begins when it runs", async () => {
    expect(await outcomes(await callAll("press.one", 15))).toEqual(Array.from({ length: 15 }, (_, n) => n));
    expect(most).toBe(1);
  });

  it("lets a call that waits be cancelled: it is never made, and those behind it are", async () => {
    const [first, second, third] = (await callAll("press.held", 3)) as [string, string, string];
    await expect.poll(() => began).toHaveLength(1);
    await expect
      .poll(async () => Promise.all([first, second, third].map(async (run) => (await seen(app, run)).status)))
      .toEqual(["RUNNING", "RUNNING", "RUNNING"]);
    const waiting = [first, second, third].find((_, n) => n !== began[0]) as string;
    await app.graphql("mutation ($id: ID!) { cancelRun(run: $id) { __typename } }", { id: waiting });
    expect(await finished(app, waiting)).toMatchObject({ status: "CANCELLED", steps: { nodes: [] } });
    expect(began).toHaveLength(1);
    gate.resolve();
    for (const run of [first, second, third]) if (run !== waiting) expect(await finished(app, run)).toMatchObject({ status: "SUCCEEDED" });
    expect(began).toHaveLength(2);
  });

  it("is given back by a call that fails", async () => {
    const runs = await callAll("press.broken", 3);
    for (const run of runs) expect(await finished(app, run)).toMatchObject({ status: "FAILED", failure: { message: "jammed" } });
    expect(began).toHaveLength(3);
  });
});
