import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { crewai } from "../../src/plugins/index.ts";

/** The plugin on an interpreter that has CrewAI. @throws where there is none: a missing part is a failure here. */
export function pythonCrewai(options: Parameters<typeof crewai>[0] = {}): ReturnType<typeof crewai> {
  const python = resolve(process.env["WEFTLINE_TEST_CREWAI"] ?? ".cache/crewai/bin/python");
  if (!existsSync(python)) throw new Error(`There is no interpreter with CrewAI at ${python}. Set WEFTLINE_TEST_CREWAI, or see .ci/run.`);
  return crewai({ engine: "python", python, home: "/tmp/weftline-crewai-test", ...options });
}
