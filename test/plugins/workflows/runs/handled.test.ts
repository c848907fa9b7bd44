import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLoom, statusesOf, type Loom } from "./loom.ts";

let loom: Loom;
beforeAll(async () => {
  loom = await openLoom();
});
afterAll(() => loom.app.close());

const value = (key: string, expression: string, more: object = {}) => ({ key, kind: "transform", config: { expression }, ...more });

describe("a branch that fails", () => {
  const targets = [value("left", "'left'", { dependsOn: ["b"] }), value("right", "'right'", { dependsOn: ["b"] })];
  const branch = (more: object) => ({
    key: "b",
    kind: "branch",
    config: { cases: [{ when: "input.missing.deep", to: "left" }], else: "right" },
    ...more,
  });

  it("chooses what the node gives that takes over for it", async () => {
    const run = await loom.play([branch({ onError: "ROUTE", errorNode: "other" }), value("other", "'right'"), ...targets]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: "right" });
    expect(statusesOf(run)).toMatchObject({ b: "FAILED", left: "SKIPPED", right: "SUCCEEDED" });
  });

  it("chooses nothing where its failure is let be", async () => {
    const run = await loom.play([branch({ onError: "CONTINUE" }), ...targets, value("beside", "1", { dependsOn: ["b"] })]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: 1 });
    expect(statusesOf(run)).toMatchObject({ b: "FAILED", left: "SKIPPED", right: "SKIPPED" });
  });
});

describe("settings whose expressions give what they cannot be", () => {
  it.each<readonly [what: string, node: { kind: string; config: object }, given: unknown]>([
    ["a role that is a number", { kind: "approval", config: { message: "?", approvers: { roles: ["{{ input.given }}"] } } }, 5],
    ["an actor that is null", { kind: "input", config: { message: "?", approvers: { actors: ["{{ input.given }}"] } } }, null],
    ["a signal without a name", { kind: "wait", config: { signal: "{{ input.given }}" } }, " "],
    ["a signal that nobody could send", { kind: "wait", config: { signal: "{{ input.given }}" } }, "s".repeat(101)],
  ])("fail the node, and its error is handled: %s", async (_, node, given) => {
    const handled = await loom.play([{ key: "n", ...node, onError: "CONTINUE" }, value("after", "'went on'", { dependsOn: ["n"] })], {
      given,
    });
    expect(handled).toMatchObject({ status: "SUCCEEDED", output: "went on" });
    const undone = await loom.play(
      [value("a", "1", { undo: "undoA" }), { key: "n", ...node, dependsOn: ["a"], retry: { attempts: 3 } }, value("undoA", "1")],
      { given },
    );
    expect(undone).toMatchObject({ status: "FAILED", failure: { code: "NODE_FAILED" } });
    expect(statusesOf(undone)).toMatchObject({ undoA: "SUCCEEDED" });
  });
});

describe("a failure that is let be", () => {
  const lookUp = (key: string, index: number, more: object = {}) => ({
    key,
    kind: "transform",
    onError: "CONTINUE",
    config: { expression: `[1][${index} + size(input)]` },
    ...more,
  });
  const slow = { key: "slow", kind: "wait", config: { duration: "PT0.05S" } };
  const outputs = "[nodes.bad.output, nodes.good.output]";

  it.each<readonly [join: string, more: object]>([
    ["ANY", {}],
    ["COUNT", { joinCount: 1 }],
  ])("is no success that %s begins with", async (join, more) => {
    const good = lookUp("good", 0, { dependsOn: ["slow"] });
    const first = value("first", outputs, { dependsOn: ["bad", "good"], join, ...more });
    expect(await loom.play([lookUp("bad", 5), slow, good, first])).toMatchObject({ status: "SUCCEEDED", output: [null, 1] });
  });

  it("skips a node of which nothing that it joins succeeds, and is met for one that needs all of them to end", async () => {
    const failed = [lookUp("bad", 5), lookUp("good", 5)];
    const run = await loom.play([
      ...failed,
      value("any", outputs, { dependsOn: ["bad", "good"], join: "ANY" }),
      value("all", outputs, { dependsOn: ["bad", "good"] }),
    ]);
    expect(run).toMatchObject({ status: "SUCCEEDED", output: [null, null] });
    expect(statusesOf(run)).toMatchObject({ any: "SKIPPED", all: "SUCCEEDED" });
  });

  it("counts as a success where another node takes over for it", async () => {
    const routed = { ...lookUp("bad", 5), onError: "ROUTE", errorNode: "instead" };
    const first = value("first", outputs, { dependsOn: ["bad", "good"], join: "ANY" });
    const good = lookUp("good", 0, { dependsOn: ["slow"] });
    expect(await loom.play([routed, value("instead", "7"), slow, good, first])).toMatchObject({ output: [7, null] });
  });
});
