import { describe, expect, it } from "vitest";
import { crewai, models } from "../../src/plugins/index.ts";
import { runtimeConformance, testPlatform, type RuntimeFeature } from "../../src/testing/index.ts";
import { featureTable } from "../conformance/feature-table.ts";
import { pythonCrewai } from "./python.ts";

const engines = { "CrewAI for Python": pythonCrewai, "crewai's own engine": () => crewai({ engine: "typescript" }) } as const;

const rows = Object.entries(engines).flatMap(([engine, plugin]) =>
  (["chat", "responses"] as const).map((api) => {
    const runtime = { plugins: () => [plugin()], framework: "crewai", model: api, patienceMs: 120_000 };
    return { engine, api, plugin, suite: runtimeConformance(`${engine} over ${api}`, runtime) };
  }),
);

describe.each(rows)("$suite.name", ({ engine, api, suite }) => {
  // All of it for Python once; of the others what they declare.
  const isWhole = engine === "CrewAI for Python" && api === "chat";
  it.each(suite.checks.filter(({ exercises }) => isWhole || exercises.length > 0))("$name", ({ run }) => run());
});

describe("the features of the framework in the graph", () => {
  it.each(rows)("are those that $suite.name was seen to have, and the others were asked for in vain", async ({ plugin, suite }) => {
    await using app = await testPlatform({ plugins: [models(), plugin()] });
    const { frameworks } = await app.graphql<{ frameworks: { name: string; features: Record<RuntimeFeature, boolean> }[] }>(
      "{ frameworks { name features { streaming tools interrupts resume steps state structuredOutput usage files } } }",
    );
    const shown = frameworks.find(({ name }) => name === "crewai")?.features ?? {};
    const features = Object.keys(shown) as RuntimeFeature[];
    console.info(featureTable([suite], features));
    expect(features.length).toBeGreaterThan(5);
    const seen = features.map((feature) => [feature, suite.exercised.has(feature), suite.absent.has(feature)]);
    expect(seen).toEqual(Object.entries(shown).map(([feature, has]) => [feature, has, !has]));
  });
});
