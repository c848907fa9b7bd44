import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLoom, type Loom } from "../loom.ts";
import { boltOf, boltTools, countValues, occurrences } from "./bolts.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom({ tools: boltTools });
});
afterAll(() => loom.app.close());

const once = { "runs_value.value": 1 };
const value = (key: string, expression: string, more: object = {}) => ({ key, kind: "transform", config: { expression }, ...more });
const bring = (mark: string, kib = 80) => ({ key: "a", kind: "tool", config: { tool: "bolts.bring", arguments: { mark, kib } } });

async function retry(input: object): Promise<string> {
  const { retryRun } = await loom.app.graphql<{ retryRun: { run?: { id: string }; message?: string } }>(
    "mutation ($input: RetryRunInput!) { retryRun(input: $input) { ... on RetryRunPayload { run { id } } ... on UserError { message } } }",
    { input },
  );
  if (!retryRun.run) throw new Error(retryRun.message);
  await loom.follow(retryRun.run.id);
  return retryRun.run.id;
}

describe("a large value", () => {
  it("stands once, however many nodes, calls and events it flows through, and each of them answers it whole", async () => {
    const nodes = [
      bring("five", 300),
      value("b", "nodes.a.output", { dependsOn: ["a"] }),
      value("c", '{"again": nodes.b.output.bolt, "n": 1}', { dependsOn: ["b"] }),
      {
        key: "d",
        kind: "tool",
        dependsOn: ["c"],
        config: { tool: "bolts.echo", arguments: { cloth: "{{ nodes.c.output.again }}", of: "{{ nodes.b.output }}" } },
      },
      value("e", "[nodes.d.output.cloth, nodes.d.output.of.bolt, nodes.a.output.bolt]", { dependsOn: ["d"] }),
    ];
    const run = await loom.start(await loom.create(nodes));
    const events = await loom.follow(run);
    expect(events.at(-1)?.runStatus).toBe("SUCCEEDED");
    expect(await occurrences(loom, "<five>")).toEqual(once);

    const bolt = boltOf("five", 300);
    const seen = await loom.look(run);
    const outputs = new Map(seen.steps.map(({ key, output }) => [key, output]));
    expect(outputs.get("a")).toEqual({ bolt });
    expect(outputs.get("b")).toEqual({ bolt });
    expect(outputs.get("c")).toEqual({ again: bolt, n: 1 });
    expect(outputs.get("d")).toEqual({ cloth: bolt, of: { bolt } });
    expect(seen.output).toEqual([bolt, bolt, bolt]);
  });

  it("is in what subscriptions, lists, checkpoints and inputs of steps tell, too", async () => {
    const bolt = boltOf("told", 80);
    const echo = { key: "b", kind: "tool", dependsOn: ["a"], config: { tool: "bolts.echo", arguments: "{{ nodes.a.output }}" } };
    const run = await loom.start(await loom.create([bring("told"), echo, value("c", "nodes.b.output.bolt", { dependsOn: ["b"] })]));
    await loom.follow(run);
    interface Told {
      readonly type: string;
      readonly arguments?: unknown;
      readonly result?: unknown;
      readonly output?: unknown;
    }
    const told: Told[] = [];
    const stream = await loom.app.subscribe<{ runEvents: Told & { runStatus?: string } }>(
      `subscription ($id: ID!) { runEvents(run: $id, after: 0) { type ... on ToolArgumentsEvent { arguments }
        ... on ToolFinishedEvent { result } ... on RunStatusEvent { runStatus output } } }`,
      { id: run },
    );
    for await (const { runEvents: event } of stream) told.push(event);
    const of = (type: string): Told[] => told.filter((event) => event.type === type);
    expect(of("tool.arguments").map((event) => event.arguments)).toEqual([{ mark: "told", kib: 80 }, { bolt }]);
    expect(of("tool.finished").map((event) => event.result)).toEqual([{ bolt }, { bolt }]);
    expect(of("run.finished").map((event) => event.output)).toEqual([bolt]);

    const answer = await loom.app.graphql<{
      run: { text: string; steps: { nodes: { key: string; input: unknown }[] }; checkpoints: { nodes: { state: unknown }[] } };
    }>("query ($id: ID!) { run(id: $id) { text steps { nodes { key input } } checkpoints(first: 1) { nodes { state } } } }", { id: run });
    expect(answer.run.text).toBe(bolt);
    expect(answer.run.steps.nodes.find(({ key }) => key === "b")?.input).toEqual({ tool: "bolts.echo", arguments: { bolt } });
    const state = answer.run.checkpoints.nodes[0]?.state as { nodes: Record<string, { output: unknown }> };
    expect([state.nodes.a?.output, state.nodes.c?.output]).toEqual([{ bolt }, bolt]);
    expect(await occurrences(loom, "<told>")).toEqual(once);
  });

  it("that is an item of a map stands once, in what the map goes over and in what it gives", async () => {
    const bolts = ["m0", "m1", "m2"].map((mark) => ({ bolt: boltOf(mark, 80) }));
    const map = {
      key: "m",
      kind: "map",
      config: { over: "input.bolts", as: "it", node: { kind: "tool", config: { tool: "bolts.echo", arguments: "{{ it }}" } } },
    };
    const run = await loom.play([map, value("b", "nodes.m.output", { dependsOn: ["m"] })], { bolts });
    expect(run).toMatchObject({ status: "SUCCEEDED" });
    expect(run.output).toEqual(bolts);
    for (const mark of ["m0", "m1", "m2"]) expect(await occurrences(loom, `<${mark}>`)).toEqual(once);
  });

  it("of many small parts is one value", async () => {
    const list = Array.from({ length: 8_000 }, (_, n) => `thread ${n}`);
    const before = await countValues(loom);
    const run = await loom.play([value("a", "input.list"), value("b", "nodes.a.output", { dependsOn: ["a"] })], { list });
    expect(run.output).toEqual(list);
    expect(await countValues(loom)).toBe(before + 1);
  });

  it("is shared with the runs below, which are given it and give it back", async () => {
    const inner = await loom.create([value("x", "input.cloth")]);
    const below = {
      key: "w",
      kind: "workflow",
      dependsOn: ["a"],
      config: { workflow: { id: inner }, input: { cloth: "{{ nodes.a.output }}" } },
    };
    const run = await loom.play([bring("below"), below]);
    expect(run.output).toEqual({ bolt: boltOf("below", 80) });
    expect(await occurrences(loom, "<below>")).toEqual(once);
  });

  it("is a value of the new run, too, where a run is retried or begins again at a node", async () => {
    const nodes = [bring("again"), value("b", "nodes.a.output.bolt", { dependsOn: ["a"] })];
    const run = await loom.start(await loom.create(nodes), { note: boltOf("input", 80) });
    await loom.follow(run);
    const forked = await retry({ run, fromNode: "b" });
    expect((await loom.look(forked)).output).toBe(boltOf("again", 80));
    const whole = await retry({ run });
    const { run: seen } = await loom.app.graphql<{ run: { input: unknown; output: unknown } }>(
      "query ($id: ID!) { run(id: $id) { input output } }",
      { id: whole },
    );
    expect(seen).toEqual({ input: { note: boltOf("input", 80) }, output: boltOf("again", 80) });
    // One for each of the three logs.
    expect(await occurrences(loom, "<again>")).toEqual({ "runs_value.value": 3 });
    expect(await occurrences(loom, "<input>")).toEqual({ "runs_value.value": 3 });
  });

  it("lets the log grow by what is new alone", async () => {
    const chain = (length: number) => [
      bring("growth"),
      ...Array.from({ length }, (_, n) =>
        value(`n${n}`, n === 0 ? "nodes.a.output" : `nodes.n${n - 1}.output`, { dependsOn: [n === 0 ? "a" : `n${n - 1}`] }),
      ),
    ];
    const bytesOf = async (length: number): Promise<number> => {
      const run = await loom.start(await loom.create(chain(length)));
      await loom.follow(run);
      const row = await loom.app.platform.database.read.get<{ bytes: number }>(
        "select s.bytes from runs_stream s join (select max(num) as num from runs_stream) last on last.num = s.num",
      );
      return row?.bytes ?? 0;
    };
    const [few, some, many] = [await bytesOf(5), await bytesOf(15), await bytesOf(25)];
    expect(many - some).toBeLessThan(10 * 2_000);
    expect(Math.abs(many - some - (some - few))).toBeLessThan(1_000);
  });
});

describe("what looks like the name of a value", () => {
  it("is data, small or large", async () => {
    const name = { refs: { output: [[["bolt"], "x"]], result: [[[], "x"]] }, $value: { hash: "x", bytes: 1 }, document: null };
    const looks = { ...name, output: null, outputRefs: [[[], "x"]], __proto__: { polluted: 1 } };
    for (const given of [looks, { ...looks, bolt: boltOf("looks", 80), large: { refs: [[["bolt"], "y"]], bolt: boltOf("looks", 80) } }]) {
      const echo = { key: "a", kind: "tool", config: { tool: "bolts.echo", arguments: "{{ input }}" } };
      const run = await loom.play([echo, value("b", "nodes.a.output", { dependsOn: ["a"] })], given);
      expect(run.output).toEqual(JSON.parse(JSON.stringify(given)));
    }
  });
});
