import type { Conformance, RuntimeFeature } from "../../src/testing/index.ts";

/** Framework by feature; a cell names the checks that saw it at work, or with "no" those that asked for it in vain. */
export function featureTable(suites: readonly Conformance[], features: readonly RuntimeFeature[]): string {
  const noted = suites.flatMap(({ exercised, absent }) => [...exercised.values(), ...absent.values()].flat());
  const checks = [...new Set(noted)];
  const numbers = (names: readonly string[] | undefined) => names?.map((name) => checks.indexOf(name) + 1).join(" ");
  const cell = ({ exercised, absent }: Conformance, feature: RuntimeFeature): string =>
    numbers(exercised.get(feature)) ?? `no: ${numbers(absent.get(feature)) ?? "?"}`;
  const rows = suites.map((suite) => [suite.name, ...features.map((feature) => cell(suite, feature))]);
  const lines = [["", ...features], ...rows].map((row) => row.map((text, place) => text.padEnd(place === 0 ? 36 : 18)).join(""));
  return [...lines, "", ...checks.map((name, index) => `${index + 1} ${name}`)].join("\n");
}
