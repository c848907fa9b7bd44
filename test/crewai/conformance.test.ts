import { describe, it } from "vitest";
import { runtimeConformance } from "../../src/testing/index.ts";
import { pythonCrewai } from "./python.ts";

runtimeConformance("CrewAI for Python", {
  plugins: () => [pythonCrewai()],
  framework: "crewai",
  model: "chat",
  patienceMs: 120_000,
}).registerWith({
  describe,
  it,
});
