import type { ConformanceCheck } from "./check.ts";
import { checksOf } from "./checks.ts";
import { faultChecksOf } from "./faults.ts";
import type { RuntimeUnderTest } from "./stage.ts";

export type { ConformanceCheck } from "./check.ts";
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
  const checks = [...checksOf(runtime), ...faultChecksOf(runtime)];
  return {
    name,
    checks,
    registerWith: ({ describe, it }) => void describe(name, () => checks.forEach((check) => void it(check.name, check.run))),
  };
}
