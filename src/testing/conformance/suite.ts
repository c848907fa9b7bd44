import type { CheckSource, ConformanceCheck, InapplicableCheck, RuntimeFeature } from "./check.ts";
import { checksOf } from "./checks.ts";
import { faultChecksOf } from "./faults.ts";
import { featureChecksOf } from "./features.ts";
import { fileChecksOf } from "./files.ts";
import { memoryChecksOf } from "./memory.ts";
import { togetherChecksOf } from "./together.ts";
import { toldChecksOf } from "./told.ts";
import type { RuntimeUnderTest } from "./stage.ts";

export type { ConformanceCheck, InapplicableCheck, RuntimeFeature } from "./check.ts";
export type { RuntimeUnderTest } from "./stage.ts";

/** What a test runner offers; both `node:test` and vitest do. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => Promise<void>) => unknown;
}

/** Each feature that was noted, with the checks that did. */
type Noted = ReadonlyMap<RuntimeFeature, readonly string[]>;

/** All that has to hold for a runtime. */
export interface Conformance {
  readonly name: string;
  readonly checks: readonly ConformanceCheck[];
  /** Checks that say nothing about this runtime, each with the reason: they are no tests of it. */
  readonly inapplicable: readonly InapplicableCheck[];
  /** Features that were seen at work so far, with the checks that passed and saw them. */
  readonly exercised: Noted;
  /** Features that were asked for and were not there: refused by name, or without effect. */
  readonly absent: Noted;
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
  const noted = { "at work": new Map<RuntimeFeature, readonly string[]>(), absent: new Map<RuntimeFeature, readonly string[]>() };
  const sources = [
    ...checksOf(runtime),
    ...featureChecksOf(runtime),
    ...fileChecksOf(runtime),
    ...memoryChecksOf(runtime),
    ...togetherChecksOf(runtime),
    ...toldChecksOf(runtime),
    ...faultChecksOf(runtime),
  ];
  const checks = sources.filter(({ inapplicable }) => inapplicable === undefined).map((source) => recorded(source, noted));
  const inapplicable = sources.flatMap((source) =>
    source.inapplicable === undefined ? [] : [{ name: source.name, reason: source.inapplicable }],
  );
  return {
    name,
    checks,
    inapplicable,
    exercised: noted["at work"],
    absent: noted.absent,
    registerWith: ({ describe, it }) =>
      void describe(name, () => {
        for (const check of checks) it(check.name, check.run);
      }),
  };
}

/** Notes what a check saw, once it has passed. */
function recorded(
  { name, exercises = [], run }: CheckSource,
  noted: Readonly<Record<"at work" | "absent", Map<RuntimeFeature, readonly string[]>>>,
): ConformanceCheck {
  return {
    name,
    exercises,
    run: async () => {
      const seen: [feature: RuntimeFeature, how: "at work" | "absent"][] = [];
      await run((feature, how) => seen.push([feature, how]));
      for (const [feature, how] of seen) noted[how].set(feature, [...new Set([...(noted[how].get(feature) ?? []), name])]);
    },
  };
}
