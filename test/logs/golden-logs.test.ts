import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventKinds } from "../../src/core/runs/grammar.ts";
import { folded, type Line } from "./golden.ts";

const folder = join(import.meta.dirname, "../fixtures/logs");
const logs = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jsonl"));
const linesOf = (name: string): readonly Line[] =>
  readFileSync(join(folder, name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

describe("golden logs", () => {
  it.each(logs)("%s folds to what it folded to when it was recorded", async (name) => {
    const kept = JSON.parse(readFileSync(join(folder, name.replace(".jsonl", ".folded.json")), "utf8")) as unknown;
    const difference = "Runs of this version stand in somebody's store. See test/fixtures/logs/README.md: it is never recorded anew.";
    expect(JSON.parse(JSON.stringify(await folded(linesOf(name)))), difference).toEqual(kept);
  });

  it("hold every kind of event of the protocol", () => {
    const held = new Set(logs.flatMap((name) => linesOf(name).flatMap((line) => ("event" in line ? [line.event] : []))));
    const missing = eventKinds.filter((kind) => !held.has(kind));
    expect(missing, "Have a scenario in test/logs/scenarios.ts say it, and record: node test/logs/record.ts <today>").toEqual([]);
  });
});
