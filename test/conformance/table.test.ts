import { describe, expect, it } from "vitest";
import { runtimes } from "../../src/core/index.ts";
import { models } from "../../src/plugins/index.ts";
import { runtimeConformance, testPlatform, type RuntimeFeature } from "../../src/testing/index.ts";
import { featureTable } from "./feature-table.ts";
import { frameworks } from "./frameworks.ts";

/** The suite over the provider that ships for work without a key: nothing of it is scripted. */
const suites = [...frameworks].map(([framework, plugin]) => ({
  framework,
  suite: runtimeConformance(`${framework} over the simulated model`, { plugins: () => [plugin()], framework, model: "simulated" }),
}));

for (const { suite } of suites) suite.registerWith({ describe, it });

it("nothing is left out over the simulated model but what it cannot be made to do, and that is named", () => {
  expect(suites.length).toBeGreaterThan(3);
  for (const { suite } of suites) {
    expect(suite.checks).toHaveLength(11);
    const [misfit, ...onTheWire] = suite.inapplicable;
    expect(misfit).toEqual({
      name: "makes an answer that does not fit the agent's schema the failure OUTPUT_INVALID",
      reason: "the simulated model fits every answer to its schema",
    });
    expect(onTheWire.length).toBeGreaterThan(30);
    for (const { name, reason } of onTheWire) {
      if (name.startsWith("tells its model of ")) expect(reason).toBe("what its model is told cannot be read");
      else if (name.startsWith("leaves an agent that it asked")) expect(reason).toBe("what it is answered by does not take its time");
      else expect([name.split(": ")[0], reason]).toEqual(["on the wire", "the simulated model answers within the process, over no wire"]);
    }
  }
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
