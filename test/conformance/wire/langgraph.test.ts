import { describe, it } from "vitest";
import { langgraph } from "../../../src/plugins/index.ts";
import { runtimeConformance } from "../../../src/testing/index.ts";

for (const model of ["responses", "chat"] as const) {
  runtimeConformance(`langgraph over ${model}`, { plugins: () => [langgraph()], framework: "langgraph", model }).registerWith({
    describe,
    it,
  });
}
