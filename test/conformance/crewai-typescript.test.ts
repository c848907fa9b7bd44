import { describe, it } from "vitest";
import { crewai } from "../../src/plugins/index.ts";
import { runtimeConformance } from "../../src/testing/index.ts";

for (const model of ["responses", "chat"] as const) {
  runtimeConformance(`crewai's own engine over ${model}`, {
    plugins: () => [crewai({ engine: "typescript" })],
    framework: "crewai",
    model,
  }).registerWith({ describe, it });
}
