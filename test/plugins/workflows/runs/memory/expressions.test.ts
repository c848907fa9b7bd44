import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chat, memory } from "../../../../../src/plugins/index.ts";
import { openLoom, statusesOf, type Loom, type NodeInput } from "../loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom({ plugins: [chat(), memory({ embedder: "lexical-hash-384" })] });
});
afterAll(() => loom.app.close());

const after = (...dependsOn: readonly string[]) => ({ dependsOn });
const value = (key: string, expression: string, more: object = {}): NodeInput => ({
  key,
  kind: "transform",
  config: { expression },
  ...more,
});
const keep = (key: string, text: string, more: object = {}): NodeInput => ({
  key,
  kind: "tool",
  config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW", metadata: { by: key } } },
  ...more,
});
const forget = (key: string, id: string, more: object = {}): NodeInput => ({
  key,
  kind: "tool",
  config: { tool: "memory.forget", arguments: { id } },
  ...more,
});

describe("memory in the expressions of a workflow", () => {
  it("is what the run remembers, in the order in which it was told, in conditions, settings, branches, maps and loops", async () => {
    const run = await loom.play([
      value("before", "size(memory)"),
      keep("a", "The warp is red.", after("before")),
      keep("b", "The weft is blue.", after("a")),
      value("texts", "memory.map(m, m.text)", after("b")),
      value("by", "memory.filter(m, m.metadata.by == 'b')[0].text", after("b")),
      value("young", "memory.all(m, timestamp(m.createdAt) > timestamp('2020-01-01T00:00:00Z'))", after("b")),
      value("red", "true", { ...after("b"), when: "memory.exists(m, m.text.contains('red'))" }),
      value("green", "true", { ...after("b"), when: "memory.exists(m, m.text.contains('green'))" }),
      { key: "choose", kind: "branch", ...after("b"), config: { cases: [{ when: "size(memory) == 2", to: "two" }], else: "other" } },
      value("two", "2", after("choose")),
      value("other", "0", after("choose")),
      {
        key: "each",
        kind: "map",
        ...after("b"),
        config: {
          over: "memory",
          as: "fact",
          node: { kind: "transform", config: { expression: "fact.text + ' of ' + string(size(memory))" } },
        },
      },
      { key: "tell", kind: "tool", ...after("b"), config: { tool: "loom.weave", arguments: { thread: "First: {{ memory[0].text }}" } } },
    ]);
    expect(run).toMatchObject({ status: "SUCCEEDED", failure: null });
    const outputOf = (key: string): unknown => run.steps.find((step) => step.key === key && step.nodeKey !== null)?.output;
    expect(outputOf("before")).toBe(0);
    expect(outputOf("texts")).toEqual(["The warp is red.", "The weft is blue."]);
    expect(outputOf("by")).toBe("The weft is blue.");
    expect(outputOf("young")).toBe(true);
    expect(statusesOf(run)).toMatchObject({ red: "SUCCEEDED", green: "SKIPPED", two: "SUCCEEDED", other: "SKIPPED" });
    expect(outputOf("each")).toEqual(["The warp is red. of 2", "The weft is blue. of 2"]);
    expect(loom.woven.at(-1)?.args).toEqual({ thread: "First: The warp is red." });
    // The log says what each node saw, and a map reads once for all of its items.
    const read = run.steps.filter(({ kind }) => kind === "MEMORY");
    expect(read.map(({ key }) => key).toSorted()).toEqual(
      ["before", "by", "choose", "each", "green", "red", "tell", "texts", "young"].map((key) => `memory/${key}`).toSorted(),
    );
    expect(read.find(({ key }) => key === "memory/green")?.output).toMatchObject([
      { text: "The warp is red.", metadata: { by: "a" } },
      { text: "The weft is blue.", metadata: { by: "b" } },
    ]);
  });

  it("is read anew for each round of a loop", async () => {
    const run = await loom.play([
      {
        key: "fill",
        kind: "loop",
        config: {
          while: "size(memory) < 3",
          max: 10,
          node: {
            kind: "tool",
            config: { tool: "memory.remember", arguments: { text: "Thread number {{ size(memory) }}.", scope: "WORKFLOW" } },
          },
        },
      },
      value("all", "memory.map(m, m.text)", after("fill")),
    ]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: ["Thread number 0.", "Thread number 1.", "Thread number 2."] });
  });

  it("has what takes another's place, and nothing that was forgotten", async () => {
    const run = await loom.play([
      keep("a", "The deadline is Monday."),
      keep("b", "The loom is broken.", after("a")),
      {
        key: "c",
        kind: "tool",
        ...after("b"),
        config: { tool: "memory.remember", arguments: { text: "The deadline is Friday.", replaces: "{{ nodes.a.output.id }}" } },
      },
      forget("d", "{{ memory.filter(m, m.text.contains('broken'))[0].id }}", after("c")),
      value("end", "memory.map(m, m.text)", after("d")),
    ]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: ["The deadline is Friday."] });
  });

  it("is the same for a node that is tried again, whatever was remembered since", async () => {
    const run = await loom.play([
      {
        key: "try",
        kind: "tool",
        retry: { attempts: 3, delay: "PT0.2S" },
        config: { tool: "loom.snap", arguments: { thread: "again {{ size(memory) }}", times: 2 } },
      },
      keep("since", "Something new."),
    ]);
    expect(run.status).toBe("SUCCEEDED");
    expect(run.steps.filter(({ key }) => key === "memory/try")).toHaveLength(1);
    expect(loom.woven.flatMap(({ name, args }) => (name === "loom.snap" ? [(args as { thread: string }).thread] : []))).toEqual([
      "again 0",
      "again 0",
      "again 0",
    ]);
  });

  it("is the item where a map calls it so", async () => {
    const node = { kind: "transform", config: { expression: "memory * 2" } };
    const run = await loom.play([{ key: "each", kind: "map", config: { over: "[1, 2]", as: "memory", node } }]);
    expect(run.output).toEqual([2, 4]);
    expect(run.steps.filter(({ kind }) => kind === "MEMORY")).toEqual([]);
  });

  it("is all or nothing: too much of it fails the node in words that say what to do", async () => {
    const play = (count: number, length: number) => {
      const text = `Fact {{ item }} ${"x".repeat(length)}`;
      const node = { kind: "tool", config: { tool: "memory.remember", arguments: { text, scope: "WORKFLOW" } } };
      const many = { key: "many", kind: "map", config: { over: "input", node } };
      return loom.play(
        [many, value("read", "size(memory)", after("many"))],
        Array.from({ length: count }, (_, at) => at),
      );
    };
    expect((await play(30, 7_000)).output).toBe(30);
    const tooLong = await play(40, 7_000);
    expect(tooLong.failure).toMatchObject({ code: "NODE_FAILED" });
    expect(tooLong.failure?.message).toMatch(
      /more than 256 KiB of texts and metadata\. Forget some, give facts a ttl, or .* memory\.search/,
    );
    const tooMany = await play(501, 1);
    expect(tooMany.failure?.message).toContain("more than 500 facts");
  });
});
