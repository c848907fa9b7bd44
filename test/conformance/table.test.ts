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

it("every framework was seen to do what it declares, and asked in vain for what it does not: the graph says the same", async () => {
  await using app = await testPlatform({ plugins: [models(), ...[...frameworks.values()].map((factory) => factory())] });
  const declared = app.platform.host.contributions(runtimes);
  const features = Object.keys(declared.get("openai")?.value.features ?? {}) as RuntimeFeature[];
  console.info(tableOf(features));
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

/** Framework by feature; a cell names the checks that saw it at work, or with "no" those that asked for it in vain. */
function tableOf(features: readonly RuntimeFeature[]): string {
  const noted = suites.flatMap(({ suite }) => [...suite.exercised.values(), ...suite.absent.values()].flat());
  const checks = [...new Set(noted)];
  const numbers = (names: readonly string[] | undefined) => names?.map((name) => checks.indexOf(name) + 1).join(" ");
  const cell = ({ exercised, absent }: Conformance, feature: RuntimeFeature): string =>
    numbers(exercised.get(feature)) ?? `no: ${numbers(absent.get(feature)) ?? "?"}`;
  const rows = suites.map(({ suite }) => [suite.name, ...features.map((feature) => cell(suite, feature))]);
  const lines = [["", ...features], ...rows].map((row) => row.map((text, place) => text.padEnd(place === 0 ? 26 : 18)).join(""));
  return [...lines, "", ...checks.map((name, index) => `${index + 1} ${name}`)].join("\n");
}
