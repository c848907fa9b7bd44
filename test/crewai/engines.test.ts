import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { scenes } from "../plugins/crewai/all-scenes.ts";
import { testModel, type TestModel } from "../plugins/crewai/model.ts";
import { Theatre } from "../plugins/crewai/play.ts";
import { paces } from "../plugins/crewai/pacing.ts";
import type { Scene } from "../plugins/crewai/scenes.ts";
import { remembers } from "../plugins/crewai/remembering.ts";
import { common, tell, type Telling } from "../plugins/crewai/telling.ts";
import { waits } from "../plugins/crewai/waiting.ts";
import { pythonCrewai } from "./python.ts";

describe("both engines tell the same of", () => {
  /** Loading CrewAI takes longer than playing all scenes. */
  let provider: TestModel;
  let theatre: Theatre;
  let scene: Scene | undefined;
  beforeAll(async () => {
    provider = await testModel((asked) => scene?.model(asked) ?? "");
    theatre = await Theatre.open(pythonCrewai({ engine: "auto" }), provider.baseURL);
  });
  afterAll(async () => {
    await theatre[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  it.each(scenes)("$name", async (each) => {
    scene = each;
    const played = (engine: "python" | "typescript"): Promise<Telling> =>
      tell({ theatre, provider }, each, { name: `${engine} ${scenes.indexOf(each)}`, engine });
    const [python, own] = [await played("python"), await played("typescript")];
    expect(python).toMatchObject(each.ends);
    expect(common(python, each)).toEqual(common(own, each));
  });
});

describe("CrewAI for Python shows what was recalled to a crew that is", () => {
  it.each(remembers)("$name", ({ holds }) => holds(pythonCrewai()));
});

describe("on CrewAI for Python", () => {
  it.each(Object.entries({ ...waits, ...paces }))("%s", (_, holds) => holds(() => pythonCrewai()));
});
