import { describe, expect, it } from "vitest";
import { runtimeConformance } from "../../src/testing/index.ts";
import { frameworks } from "./frameworks.ts";

/** The suite over the provider that ships for work without a key: nothing of it is scripted. */
const suites = [...frameworks].map(([framework, plugin]) =>
  runtimeConformance(`${framework} over the simulated model`, { plugins: () => [plugin()], framework, model: "simulated" }),
);

for (const suite of suites) suite.registerWith({ describe, it });

it("nothing is left out over the simulated model but what it cannot be made to do, and that is named", () => {
  expect(suites.length).toBeGreaterThan(3);
  for (const { checks, inapplicable } of suites) {
    expect(checks).toHaveLength(10);
    const [misfit, ...onTheWire] = inapplicable;
    expect(misfit).toEqual({
      name: "makes an answer that does not fit the agent's schema the failure OUTPUT_INVALID",
      reason: "the simulated model fits every answer to its schema",
    });
    expect(onTheWire.length).toBeGreaterThan(30);
    for (const { name, reason } of onTheWire) {
      expect(name).toMatch(/^on the wire: /);
      expect(reason).toBe("the simulated model answers within the process, over no wire");
    }
  }
});
