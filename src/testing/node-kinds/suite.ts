import type { TestRunner } from "../conformance/suite.ts";
import type { NodeKindCheckSource } from "./check.ts";
import { endingChecksOf } from "./ending-checks.ts";
import { failureChecksOf } from "./failure-checks.ts";
import { outputChecksOf } from "./output-checks.ts";
import { repeatChecksOf } from "./repeat-checks.ts";
import { settingsChecksOf } from "./settings-checks.ts";
import { SharedStage } from "./shared-stage.ts";
import type { NodeKindUnderTest } from "./under-test.ts";

/** One thing that has to hold for a kind of node. */
export interface NodeKindCheck {
  /** What holds, as a sentence about the kind. */
  readonly name: string;
  /** @throws AssertionError where it does not. */
  readonly run: () => Promise<void>;
}

/** All that has to hold for a kind of node. */
export interface NodeKindConformance {
  readonly name: string;
  readonly checks: readonly NodeKindCheck[];
  /** Checks that say nothing about this kind, each with the reason: they are no tests of it. */
  readonly inapplicable: readonly { readonly name: string; readonly reason: string }[];
  /** Makes each check a test. */
  registerWith(runner: TestRunner): void;
}

/**
 * What every kind of node has to do, checked by real runs of workflows that have it.
 *
 * @example
 * import { describe, it } from "node:test";
 * nodeKindConformance("notes", {
 *   plugins: () => [notes()],
 *   kind: "notes",
 *   cases: [{ config: { text: "Buy milk" }, output: { kept: true } }],
 *   refused: [{ config: { text: 7 }, path: ["text"] }],
 * }).registerWith({ describe, it });
 */
export function nodeKindConformance(name: string, kind: NodeKindUnderTest): NodeKindConformance {
  const shared = new SharedStage(kind);
  const sources: readonly NodeKindCheckSource[] = [
    ...settingsChecksOf(kind),
    ...outputChecksOf(kind),
    ...endingChecksOf(kind),
    ...repeatChecksOf(kind),
    ...failureChecksOf(kind),
  ];
  const checks = sources.flatMap(({ name: says, run, inapplicable }) =>
    inapplicable === undefined ? [{ name: says, run: () => shared.use(run) }] : [],
  );
  return {
    name,
    checks,
    inapplicable: sources.flatMap(({ name: says, inapplicable: reason }) => (reason === undefined ? [] : [{ name: says, reason }])),
    registerWith: ({ describe, it }) =>
      void describe(name, () => {
        for (const check of checks) it(check.name, check.run);
      }),
  };
}
