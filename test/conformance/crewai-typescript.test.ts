import { describe, it } from "vitest";
import { crewai } from "../../src/plugins/index.ts";
import { runtimeConformance } from "../../src/testing/index.ts";

const plugins = () => [crewai({ engine: "typescript" })];
runtimeConformance("crewai's own engine", { plugins, framework: "crewai", model: "chat" }).registerWith({ describe, it });
