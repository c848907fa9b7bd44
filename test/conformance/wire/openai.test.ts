import { describe, it } from "vitest";
import { openai } from "../../../src/plugins/index.ts";
import { runtimeConformance } from "../../../src/testing/index.ts";

for (const model of ["responses", "chat"] as const) {
  runtimeConformance(`openai over ${model}`, { plugins: () => [openai()], framework: "openai", model }).registerWith({ describe, it });
}
