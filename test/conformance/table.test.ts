import { describe, expect, it } from "vitest";
import { runtimes } from "../../src/core/index.ts";
import { models } from "../../src/plugins/index.ts";
import { runtimeConformance, testPlatform, type Conformance, type RuntimeFeature } from "../../src/testing/index.ts";
import { frameworks, nameOf, ways } from "./frameworks.ts";

const suites = ways.map(({ framework, api }) => {
  const plugins = () => frameworks.get(framework)?.() ?? [];
  return { framework, suite: runtimeConformance(nameOf({ framework, api }), { plugins, framework, model: api }) };
});

describe.each(suites)("$suite.name", ({ suite }) => {
  it.each(suite.checks.filter(({ exercises }) => exercises.length > 0))("$name", ({ run }) => run());
});

it("every framework was seen to do what it declares, and nothing else", async () => {
  await using app = await testPlatform({ plugins: [models(), ...[...frameworks.values()].map((factory) => factory())] });
  const declared = (framework: string) => app.platform.host.contributions(runtimes).get(framework)?.value.features;
  const features = Object.keys(declared("openai") ?? {}) as RuntimeFeature[];
  console.info(tableOf(features));
  expect(suites.length).toBeGreaterThan(3);
  for (const { framework, suite } of suites) {
    const names = features.filter((feature) => declared(framework)?.[feature]);
    expect([...suite.exercised.keys()].toSorted(), suite.name).toEqual(names.toSorted());
  }
});

/** Framework by feature; a cell names the checks that saw it. */
function tableOf(features: readonly RuntimeFeature[]): string {
  const checks = [...new Set(suites.flatMap(({ suite }) => [...suite.exercised.values()].flat()))];
  const cell = ({ exercised }: Conformance, feature: RuntimeFeature): string =>
    exercised
      .get(feature)
      ?.map((name) => checks.indexOf(name) + 1)
      .join(" ") ?? "-";
  const rows = suites.map(({ suite }) => [suite.name, ...features.map((feature) => cell(suite, feature))]);
  const lines = [["", ...features], ...rows].map((row) => row.map((text, place) => text.padEnd(place === 0 ? 26 : 18)).join(""));
  return [...lines, "", ...checks.map((name, index) => `${index + 1} ${name}`)].join("\n");
}
