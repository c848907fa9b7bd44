import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { answerOf, fieldProblem, fieldValue, formOf } from "../../../../src/plugins/workflows/cli/run/ask/form.ts";
import { exitCodeOfRun } from "../../../../src/plugins/workflows/cli/run/exit.ts";
import { durationOf, readOptions } from "../../../../src/plugins/workflows/cli/run/options.ts";
import { readWorkflowFile } from "../../../../src/plugins/workflows/cli/run/read-file.ts";
import { durationText, endOf, startOf } from "../../../../src/plugins/workflows/cli/run/show/text.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-run-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe("the options of weftline run", () => {
  it("name a workflow, an input as JSON or as a file, and how long it may take", async () => {
    const path = file("in.json", '{"topic":"looms"}');
    const read = {
      arguments: { workflow: "research" },
      options: { input: `@${path}`, timeout: "5m", json: true, approve: "all" } as const,
    };
    expect(await readOptions(read)).toEqual({
      workflow: "research",
      input: { value: { topic: "looms" } },
      shows: "events",
      attach: undefined,
      approve: "all",
      timeout: "PT5M",
      onInterrupt: "detach",
    });
  });

  it.each([
    [{ workflow: undefined }, {}, "Name a workflow"],
    [{ workflow: "a" }, { input: "{" }, "--input is not JSON"],
    [{ workflow: "a" }, { input: "@/none/such.json" }, "cannot be read"],
    [{ workflow: "a" }, { approve: "maybe" }, "--approve takes all or none"],
    [{ workflow: "a" }, { timeout: "soon" }, "is not a duration"],
    [{ workflow: "a" }, { timeout: "5m", attach: true }, "--timeout is for a new run"],
  ] as const)("that are wrong are told: %j %j", async (words, options, problem) => {
    expect(await readOptions({ arguments: words, options })).toContain(problem);
  });

  it("may name a run to attach to without its workflow", async () => {
    expect(await readOptions({ arguments: { workflow: undefined }, options: { attach: "r1" } })).toMatchObject({ attach: { run: "r1" } });
    expect(await readOptions({ arguments: { workflow: "a" }, options: { attach: true } })).toMatchObject({ attach: "newest" });
  });

  it("take durations as people and as ISO 8601 write them", () => {
    const read = ["90s", "1.5h", "PT1M30S", "P1D", "P", "PT", "0s", "5", "5 m", "-5m"].map(durationOf);
    expect(read).toEqual(["PT90S", "PT1.5H", "PT1M30S", "P1D", undefined, undefined, undefined, undefined, undefined, undefined]);
  });

  it("end with a code by the run's status", () => {
    expect(["SUCCEEDED", "FAILED", "CANCELLED", "EXPIRED"].map((status) => exitCodeOfRun(status as "FAILED"))).toEqual([0, 1, 3, 4]);
  });
});

describe("a workflow file", () => {
  it("may bring agents, and its problems have lines", async () => {
    const path = file(
      "a.yaml",
      "name: a\nagents:\n  - name: b\n    framework: openai\nnodes:\n  - key: x\n    kind: agent\n    config:\n      agent: b\n",
    );
    const read = await readWorkflowFile(path);
    expect(read).toMatchObject({ name: "a", agents: [{ name: "b", framework: "openai" }], problems: [] });
    expect(read.workflow).not.toHaveProperty("agents");
    const at = (...keys: string[]) => read.describe([{ path: keys, message: "Wrong." }])[0];
    expect(at("nodes", "0", "config", "agent")).toBe(`${path}:9: nodes.0.config.agent: Wrong.`);
    expect(at("nodes", "0", "retry")).toBe(`${path}:6: nodes.0.retry: Wrong.`);
    expect(at("agents", "0", "framework")).toBe(`${path}:4: agents.0.framework: Wrong.`);
  });

  it.each([
    ["[]", ["A file holds one workflow"]],
    ["name: a\nnodes: 3\nagents: {}\nnods: []", ['has no "nods"', "needs a list of nodes", "Agents are a list"]],
    ["nodes: []", ["needs a name"]],
    ["name: a\n  nodes: x: y", ["bad.yaml:2"]],
  ])("that is none is told all at once: %s", async (text, problems) => {
    const read = await readWorkflowFile(file("bad.yaml", text));
    for (const problem of problems) expect(read.problems.join("\n")).toContain(problem);
  });

  it("that is not there is told", async () => {
    expect((await readWorkflowFile(join(folder, "none.yaml"))).problems[0]).toContain("cannot be read");
  });
});

describe("a form", () => {
  it("asks for the simple members of an object, by their titles", () => {
    const fields = formOf({
      type: "object",
      properties: {
        title: { type: "string", title: "The title" },
        pages: { type: "integer", default: 3 },
        draft: { type: "boolean" },
        tone: { enum: ["dry", "warm"] },
      },
      required: ["title"],
    });
    expect(fields?.map(({ name, label, kind, isRequired }) => [name, label, kind, isRequired])).toEqual([
      ["title", "The title", "text", true],
      ["pages", "pages", "whole", false],
      ["draft", "draft", "yesno", false],
      ["tone", "tone", "choice", false],
    ]);
    expect(answerOf(fields ?? [], ["A", undefined, true, "dry"])).toEqual({ title: "A", draft: true, tone: "dry" });
  });

  it("is of one nameless field for a simple value, and there is none for what it could not ask", () => {
    expect(answerOf(formOf({ type: "number" }) ?? [], [4])).toBe(4);
    for (const schema of [
      { type: "array" },
      { type: "object", properties: { list: { type: "array" } } },
      { type: "object", properties: { a: { type: "string" } }, required: ["b"] },
      { type: "object", properties: {}, additionalProperties: { type: "string" } },
      { anyOf: [{ type: "string" }] },
      { enum: [{}] },
    ])
      expect(formOf(schema)).toBeUndefined();
  });

  it("takes numbers that are numbers, and leaves out what is empty", () => {
    const field = { name: "n", label: "n", kind: "whole", choices: [], isRequired: false } as const;
    expect(["", "4", "4.5", "x", "1e999"].map((text) => fieldProblem(field, text))).toEqual([
      undefined,
      undefined,
      "This is not a whole number.",
      "This is not a number.",
      "This is not a number.",
    ]);
    expect(fieldProblem({ ...field, isRequired: true }, " ")).toBe("This is needed.");
    expect([fieldValue(field, ""), fieldValue(field, " 4 "), fieldValue({ ...field, kind: "text" }, "")]).toEqual([
      undefined,
      4,
      undefined,
    ]);
  });
});

describe("text of a terminal", () => {
  it("is cut by columns, never within a character", () => {
    expect([startOf("weaving", 5, "…"), endOf("weaving", 5, "…"), startOf("織機織機", 5, "…"), endOf("👩‍👩‍👧ab", 3, "…")]).toEqual([
      "weav…",
      "…ving",
      "織機…",
      "…ab",
    ]);
  });

  it("names durations", () => {
    expect([3, 999, 1_000, 59_949, 60_000, 187_000, 7_620_000].map(durationText)).toEqual([
      "3 ms",
      "999 ms",
      "1.0 s",
      "59.9 s",
      "1 min 00 s",
      "3 min 07 s",
      "2 h 07 min",
    ]);
  });
});
