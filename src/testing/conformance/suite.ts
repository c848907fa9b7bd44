import type { CheckSource, ConformanceCheck, RuntimeFeature } from "./check.ts";
import { checksOf } from "./checks.ts";
import { faultChecksOf } from "./faults.ts";
import { fileChecksOf } from "./files.ts";
import type { RuntimeUnderTest } from "./stage.ts";

export type { ConformanceCheck, RuntimeFeature } from "./check.ts";
export type { RuntimeUnderTest } from "./stage.ts";

/** What a test runner offers; both `node:test` and vitest do. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** All that has to hold for a runtime. */
export interface Conformance {
  readonly name: string;
  readonly checks: readonly ConformanceCheck[];
  /** Each feature that was seen at work so far, with the checks that passed and saw it. */
  readonly exercised: ReadonlyMap<RuntimeFeature, readonly string[]>;
  /** Makes each check a test. */
  registerWith(runner: TestRunner): void;
}

/**
 * What every framework adapter has to do, checked over a real host, its real log, and a model or a faulty provider on the wire.
 *
 * @example
 * import { describe, it } from "node:test";
 * runtimeConformance("loom", { plugins: () => [loom()], framework: "loom", model: "chat" }).registerWith({ describe, it });
 */
export function runtimeConformance(name: string, runtime: RuntimeUnderTest): Conformance {
  const exercised = new Map<RuntimeFeature, readonly string[]>();
  const checks = [...checksOf(runtime), ...fileChecksOf(runtime), ...faultChecksOf(runtime)].map((source) => recorded(source, exercised));
  return {
    name,
    checks,
    exercised,
    registerWith: ({ describe, it }) => void describe(name, () => checks.forEach((check) => void it(check.name, check.run))),
  };
}

function recorded({ name, exercises = [], run }: CheckSource, exercised: Map<RuntimeFeature, readonly string[]>): ConformanceCheck {
  return {
    name,
    exercises,
    run: async () => {
      const seen = new Set<RuntimeFeature>();
      await run((feature) => seen.add(feature));
      for (const feature of seen) exercised.set(feature, [...new Set([...(exercised.get(feature) ?? []), name])]);
    },
  };
}
