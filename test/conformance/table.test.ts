import { expect, it } from "vitest";
import { runtimes } from "../../src/core/index.ts";
import { models } from "../../src/plugins/index.ts";
import { runtimeConformance, testPlatform, type Conformance, type RuntimeFeature } from "../../src/testing/index.ts";
import { frameworks, nameOf, ways } from "./frameworks.ts";

it("every framework was seen to do what it declares, and nothing else", async () => {
  const suites: { readonly framework: string; readonly suite: Conformance }[] = [];
  for (const way of ways) {
    const own = frameworks.get(way.framework);
    const suite = runtimeConformance(nameOf(way), {
      plugins: () => own?.() ?? [],
      framework: way.framework,
      model: way.api,
    });
    for (const { exercises, run } of suite.checks) if (exercises.length > 0) await run();
    suites.push({ framework: way.framework, suite });
  }
  await using app = await testPlatform({ plugins: [models(), ...[...frameworks.values()].map((factory) => factory())] });
  const declared = app.platform.host.contributions(runtimes);
  const features = Object.keys(declared.get("openai")?.value.features ?? {}) as RuntimeFeature[];
  for (const { framework, suite } of suites) {
    const names = features.filter((feature) => declared.get(framework)?.value.features[feature]);
    expect([...suite.exercised.keys()].toSorted(), suite.name).toEqual(names.toSorted());
  }
  const checks = [...new Set(suites.flatMap(({ suite }) => [...suite.exercised.values()].flat()))];
  const cell = (suite: Conformance, feature: RuntimeFeature): string =>
    suite.exercised
      .get(feature)
      ?.map((name) => checks.indexOf(name) + 1)
      .join(" ") ?? "-";
  const rows = suites.map(({ suite }) => [suite.name, ...features.map((feature) => cell(suite, feature))]);
  const table = [["", ...features], ...rows].map((row) => row.map((text, place) => text.padEnd(place === 0 ? 26 : 18)).join(""));
  console.info([...table, "", ...checks.map((name, index) => `${index + 1} ${name}`)].join("\n"));
  expect(rows.length).toBe(ways.length);
});
