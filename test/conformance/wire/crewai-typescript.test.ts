import { describe, it } from "vitest";
import { crewai } from "../../../src/plugins/index.ts";
import { runtimeConformance } from "../../../src/testing/index.ts";

const plugins = () => [crewai({ engine: "typescript" })];
for (const model of ["responses", "chat"] as const) {
  runtimeConformance(`crewai's own engine over ${model}`, { plugins, framework: "crewai", model }).registerWith({ describe, it });
}
