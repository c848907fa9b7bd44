import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { crewai } from "../../src/plugins/index.ts";

/** The interpreter that has CrewAI. @throws where there is none: a missing part is a failure here. */
export function interpreter(): string {
  const python = resolve(process.env["WEFTLINE_TEST_CREWAI"] ?? "data/crewai/python/bin/python");
  if (!existsSync(python))
    throw new Error(
      `There is no interpreter with CrewAI at ${python}. Run: npx weftline plugins install crewai, or name another in WEFTLINE_TEST_CREWAI.`,
    );
  return python;
}

/** The plugin on that interpreter. */
export function pythonCrewai(options: Parameters<typeof crewai>[0] = {}): ReturnType<typeof crewai> {
  const python = interpreter();
  return crewai({ engine: "python", python, home: join(tmpdir(), "weftline-crewai-home"), ...options });
}
