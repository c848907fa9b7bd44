import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pinnedVersion } from "../../src/plugins/crewai/python/installation.ts";
import { crewai } from "../../src/plugins/index.ts";
import { scenes } from "../plugins/crewai/all-scenes.ts";
import { testModel, type TestModel } from "../plugins/crewai/model.ts";
import { Theatre } from "../plugins/crewai/play.ts";
import { pythonThat, readRecording, writeRecording, type Turn } from "../plugins/crewai/recording.ts";
import type { Scene } from "../plugins/crewai/scenes.ts";
import { tell } from "../plugins/crewai/telling.ts";
import { interpreter } from "./python.ts";

type Entry = Turn[number] & { readonly turn: number };

/** With WEFTLINE_RECORD set each scene is written down, as after a change of CrewAI, of a scene or of the worker. */
const writes = process.env["WEFTLINE_RECORD"] !== undefined;

describe("what CrewAI says on its line is what is recorded of", () => {
  let home: string;
  let provider: TestModel;
  let theatre: Theatre;
  let scene: Scene | undefined;
  beforeAll(async () => {
    const tapped = pythonThat(join(import.meta.dirname, "tap.ts"), `tap(${JSON.stringify(interpreter())}, "tapped.jsonl")`);
    home = tapped.home;
    provider = await testModel((asked) => scene?.model(asked) ?? "");
    theatre = await Theatre.open(crewai({ engine: "python", ...tapped }), provider.baseURL);
  });
  afterAll(async () => {
    await theatre[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
    rmSync(home, { recursive: true });
  });

  it.each(scenes)("$name", async (each) => {
    scene = each;
    const file = join(home, "tapped.jsonl");
    rmSync(file, { force: true });
    await tell({ theatre, provider }, each, { name: `crew ${scenes.indexOf(each)}`, engine: "python" });
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
