import { describe, expect, it } from "vitest";
import { crewai } from "../../../src/plugins/index.ts";
import { testModel } from "./model.ts";
import { ended, Theatre } from "./play.ts";
import { scenes } from "./scenes.ts";

describe("crewai's own engine plays", () => {
  it.each(scenes)("$name", async ({ crew, input, model, result }) => {
    await using provider = await testModel(model);
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    await theatre.agent("crew", { crew });
    const run = await theatre.until(await theatre.start("crew", input), ended);
    expect([run.status, run.text], run.failure?.message).toEqual(["SUCCEEDED", result]);
    await theatre.log(run.id);
  });
});
