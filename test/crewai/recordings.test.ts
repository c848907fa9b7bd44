import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pinnedVersion } from "../../src/plugins/crewai/python/installation.ts";
import { scenes } from "../plugins/crewai/all-scenes.ts";
import { readRecording, writeRecording, type Turn } from "../plugins/crewai/recording.ts";
import { Rehearsal } from "../plugins/crewai/rehearsal.ts";
import { tell } from "../plugins/crewai/telling.ts";
import { interpreter } from "./python.ts";

type Entry = Turn[number] & { readonly turn: number };

/** With WEFTLINE_RECORD set each scene is written down, as after a change of CrewAI, of a scene or of the worker. */
const writes = process.env["WEFTLINE_RECORD"] !== undefined;

describe("what CrewAI says on its line is what is recorded of", () => {
  let rehearsal: Rehearsal;
  beforeAll(async () => {
    const tapping = `tap(${JSON.stringify(interpreter())}, "tapped.jsonl")`;
    rehearsal = await Rehearsal.open(join(import.meta.dirname, "tap.ts"), tapping, { engine: "python" });
  });
  afterAll(() => rehearsal[Symbol.asyncDispose]());

  it.each(scenes)("$name", async (each) => {
    rehearsal.begin(each);
    const file = join(rehearsal.home, "tapped.jsonl");
    rmSync(file, { force: true });
    await tell(rehearsal, each, { name: `crew ${scenes.indexOf(each)}`, engine: "python" });
    const recording = { crewai: pinnedVersion(), turns: existsSync(file) ? turnsIn(readFileSync(file, "utf8")) : [] };
    if (writes) writeRecording(each, recording);
    const known = readRecording(each);
    expect(recording.crewai).toBe(known.crewai);
    expect(recording.turns.length).toBe(known.turns.length);
    // Where tasks are done side by side, how far each comes until one waits is different each time.
    if (each.differs !== "order") expect(recording.turns.map(saidIn)).toEqual(known.turns.map(saidIn));
  });
});

/** What was said in a turn. Calls of one answer are side by side, so that it has no order. */
function saidIn(turn: Turn): string[] {
  return turn.flatMap((entry) => ("says" in entry ? [JSON.stringify({ ...entry.says, id: undefined })] : [])).toSorted();
}

function turnsIn(text: string): Turn[] {
  const entries = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Entry);
  const numbers = [...new Set(entries.map(({ turn }) => turn))].toSorted((a, b) => a - b);
  return numbers.map((number) => entries.filter(({ turn }) => turn === number).map(({ turn: _turn, ...entry }) => entry as Turn[number]));
}
