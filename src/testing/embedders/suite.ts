import type { TestRunner } from "../conformance/suite.ts";
import { embedderChecks } from "./checks.ts";
import type { EmbedderCheck, EmbedderUnderTest } from "./under-test.ts";

/** All that has to hold for an embedder. */
export interface EmbedderConformance {
  readonly name: string;
  readonly checks: readonly EmbedderCheck[];
  /** Makes each check a test. */
  registerWith(runner: TestRunner): void;
}

/**
 * What every embedder has to do, whatever its vectors mean.
 *
 * @example
 * import { describe, it } from "node:test";
 * embedderConformance("house-768", { create: () => houseEmbedder }).registerWith({ describe, it });
 */
export function embedderConformance(name: string, subject: EmbedderUnderTest): EmbedderConformance {
  const checks = embedderChecks(subject);
  return {
    name,
    checks,
    registerWith: ({ describe, it }) =>
      void describe(name, () => {
        for (const check of checks) it(check.name, check.run);
      }),
  };
}
