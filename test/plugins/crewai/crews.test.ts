import { describe, expect, it } from "vitest";
import { crewai } from "../../../src/plugins/index.ts";
import { testModel } from "./model.ts";
import { Theatre } from "./play.ts";
import { scenes } from "./all-scenes.ts";
import { tell } from "./telling.ts";

describe("crewai's own engine plays", () => {
  it.each(scenes)("$name", async (scene) => {
    await using provider = await testModel(scene.model);
    await using theatre = await Theatre.open(crewai({ engine: "typescript" }), provider.baseURL);
    expect(await tell({ theatre, provider }, scene, { name: "crew", engine: "typescript" })).toMatchObject(scene.ends);
  });
});
