import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import type { EventRow } from "./answers.ts";
import { workflowViolations } from "./workflow-invariants.ts";

const node = (key: string, more: object = {}): object => ({
  key,
  kind: "transform",
  dependsOn: [],
  config: {},
  join: "ALL",
  onError: "FAIL",
  ...more,
});

const nodes = [
  node("a", { undo: "back" }),
  node("b", { onError: "ROUTE", errorNode: "instead" }),
  node("instead"),
  node("all", { dependsOn: ["a", "b"] }),
  node("any", { dependsOn: ["a", "b"], join: "ANY" }),
  node("two", { dependsOn: ["a", "b", "nap"], join: "COUNT", joinCount: 2 }),
  node("nap", { kind: "wait", config: { duration: "PT1S" } }),
  node("back"),
];

/** What is found of a log, in which each word is an event: `+a` begins a step of a node, `-a` ends it as it should, `!a` fails it. */
function violations(words: string, child = ""): string[] {
  const db = new Database(":memory:");
  db.exec("create table runs_run (id, start_seq, parent_id); create table workflows_version (workflow_id, version, definition)");
  db.prepare("insert into workflows_version values ('w', 1, ?)").run(JSON.stringify({ nodes }));
  if (child !== "") db.prepare("insert into runs_run values ('child', 2, 'run')").run();
  const steps = new Map<string, number>();
  const eventOf = (word: string): readonly [kind: string, payload: object] => {
    const key = word.slice(1);
    if (word.startsWith("+")) {
      steps.set(key, steps.size + 1 + Math.random());
      return ["step.started", { s: steps.get(key), key, node: key }];
    }
    if (word.startsWith("-")) return ["step.finished", { s: steps.get(key), status: "SUCCEEDED" }];
    if (word.startsWith("!")) return ["step.finished", { s: steps.get(key), status: "FAILED" }];
    return [word, {}];
  };
  const log: EventRow[] = words.split(" ").map((word, index) => {
    const [kind, payload] = eventOf(word.replace(/^child:/, ""));
    return { seq: index + 3, at: 0, run_seq: word.startsWith("child:") ? 2 : 1, kind, payload: JSON.stringify(payload) };
  });
  const run = { id: "run", start_seq: 1, target_type: "Workflow", target_id: "w", target_version: 1 };
  return workflowViolations(db, run, log);
}

describe("what is wrong with a run of a workflow", () => {
  it("is nothing where each node succeeds once, behind what it depends on", () => {
    expect(
      violations("+a -a +any -any +b !b +instead -instead +all -all +nap run.waiting run.resumed -nap +two -two run.finished"),
    ).toEqual([]);
    expect(violations("+a -a +b !b +b -b +all -all run.finished"), "an attempt that is tried again").toEqual([]);
    expect(violations("+a -a run.cancelling +back -back run.cancelled"), "what is undone").toEqual([]);
  });

  it.each([
    ["a node that succeeds twice", "+a -a +a -a", "run run: a succeeded 2 times"],
    ["ALL that does not wait for all", "+a -a +all", "run run: all began before its dependencies were met"],
    ["ALL that does not wait for another attempt", "+a -a +b !b +all +b -b", "run run: all began before its dependencies were met"],
    [
      "ALL that does not wait for what takes over",
      "+a -a +b !b +all +instead -instead",
      "run run: all began before its dependencies were met",
    ],
    ["ANY without any", "+a +any", "run run: any began before its dependencies were met"],
    ["COUNT with fewer", "+a -a +two", "run run: two began before its dependencies were met"],
    ["an error node of what did not fail", "+b +instead", "run run: instead took over too early"],
    ["an undo node of what did not succeed", "+a !a +back", "run run: back undid nothing"],
    ["a wake for nothing", "+a run.waiting run.resumed run.waiting run.resumed interrupt.resolved", "run run was woken 2 times for 1 news"],
  ])("is %s", (_, words, problem) => {
    expect(violations(words)).toEqual([problem]);
  });

  it("is an end before that of a run below", () => {
    expect(violations("run.started child:run.started run.finished child:run.finished", "child")).toEqual([
      "run run ended before child, which it started",
    ]);
    expect(violations("run.started child:run.started child:run.finished run.finished", "child")).toEqual([]);
  });
});
