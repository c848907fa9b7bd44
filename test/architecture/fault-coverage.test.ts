import { expect, it } from "vitest";
import { scenarios } from "../faults/images/scenarios/index.ts";
import { commitsOf } from "./commits.ts";
import { inFolder } from "./rules.ts";

/** What must outlive the loss of its process wherever that comes. */
const durable = ["src/core/runs", "src/plugins/workflows", "src/plugins/schedules", "src/plugins/webhooks", "src/plugins/memory/tools"];

it("every commit of runs, workflows, schedules, webhooks and the tools of the memory stands in a scenario of the fault suite", () => {
  const names = commitsOf(durable.flatMap(inFolder)).flatMap(({ name }) => name ?? []);
  expect(names.length).toBeGreaterThan(40);
  const reached = new Set(scenarios.flatMap(({ reaches }) => reaches));
  expect(
    names.filter((name) => !reached.has(name)),
    "write a scenario in test/faults/images/scenarios that comes to it",
  ).toEqual([]);
  expect(
    [...reached].filter((name) => !names.includes(name)),
    "no source commits so any more",
  ).toEqual([]);
});
