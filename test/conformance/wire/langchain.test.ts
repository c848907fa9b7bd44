import { describe, it } from "vitest";
import { langchain } from "../../../src/plugins/index.ts";
import { runtimeConformance } from "../../../src/testing/index.ts";

for (const model of ["responses", "chat"] as const) {
  runtimeConformance(`langchain over ${model}`, { plugins: () => [langchain()], framework: "langchain", model }).registerWith({
    describe,
    it,
  });
}
