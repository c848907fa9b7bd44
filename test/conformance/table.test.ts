import { describe, expect, it } from "vitest";
import { runtimes } from "../../src/core/index.ts";
import { models } from "../../src/plugins/index.ts";
import { runtimeConformance, testPlatform, type RuntimeFeature } from "../../src/testing/index.ts";
import { featureTable } from "./feature-table.ts";
import { frameworks, nameOf, ways } from "./frameworks.ts";

const suites = ways.map(({ framework, api }) => {
  const plugins = () => frameworks.get(framework)?.() ?? [];
  return { framework, suite: runtimeConformance(nameOf({ framework, api }), { plugins, framework, model: api }) };
});

describe.each(suites)("$suite.name", ({ suite }) => {
  it.each(suite.checks.filter(({ exercises }) => exercises.length > 0))("$name", ({ run }) => run());
});

it("every framework was seen to do what it declares, and asked in vain for what it does not: the graph says the same", async () => {
  await using app = await testPlatform({ plugins: [models(), ...[...frameworks.values()].map((factory) => factory())] });
  const declared = app.platform.host.contributions(runtimes);
  const features = Object.keys(declared.get("openai")?.value.features ?? {}) as RuntimeFeature[];
  console.info(
    featureTable(
      suites.map(({ suite }) => suite),
      features,
    ),
  );
  const shown = await app.graphql<{ frameworks: { name: string; features: Record<RuntimeFeature, boolean> }[] }>(
    `{ frameworks { name features { ${features.join(" ")} } } }`,
  );
  expect(shown.frameworks.map(({ name }) => name).toSorted()).toEqual([...frameworks.keys()].toSorted());
  for (const { framework, suite } of suites) {
    const seen = features.map((feature) => [feature, suite.exercised.has(feature), suite.absent.has(feature)]);
    const says = shown.frameworks.find(({ name }) => name === framework)?.features;
    expect(seen, suite.name).toEqual(features.map((feature) => [feature, says?.[feature], !says?.[feature]]));
    const its = declared.get(framework)?.value.features;
    expect(says, framework).toEqual(Object.fromEntries(features.map((feature) => [feature, its?.[feature] ?? false])));
  }
});
