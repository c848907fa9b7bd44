import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testModel, type TestModel } from "../plugins/crewai/model.ts";
import { ended, outline, Theatre } from "../plugins/crewai/play.ts";
import { scenes, type Scene } from "../plugins/crewai/scenes.ts";
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

  const told = async ({ crew, input, result }: Scene, engine: "python" | "typescript") => {
    const before = provider.asked.length;
    const name = `${engine} ${scenes.findIndex((each) => each.crew === crew)}`;
    await theatre.agent(name, { crew, engine });
    const run = await theatre.until(await theatre.start(name, input), ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", result]);
    const log = await theatre.log(run.id);
    const played = log.find(({ kind }) => kind === "custom")?.payload;
    expect(played).toMatchObject({ name: "crewai.engine", data: { engine } });
    return { log: outline(log), calls: run.usage.modelCalls, asked: provider.asked.slice(before).map(({ role }) => role) };
  };

  it.each(scenes)("$name", async (each) => {
    scene = each;
    const [python, own] = [await told(each, "python"), await told(each, "typescript")];
    // What is done side by side has no order.
    expect(python.log.toSorted()).toEqual(own.log.toSorted());
    if (!each.name.includes("side by side")) expect(python).toEqual(own);
  });
});

describe("on CrewAI for Python", () => {
  it.each(Object.entries(waits))("%s", (_, holds) => holds(() => pythonCrewai()));
});
