import { commitsOf, placesOf } from "../../architecture/commits.ts";
import { readSources } from "../../architecture/sources.ts";
import { scenarios } from "./scenarios/index.ts";

/** Every place that a suite must have been at: around each commit that a scenario comes to, and those that the sources name beside. */
export function allPoints(): string[] {
  const commits = new Set(scenarios.flatMap(({ reaches }) => reaches));
  const known = commitsOf(readSources("src")).flatMap(({ name }) => (name !== undefined && commits.has(name) ? [name] : []));
  return [...known.flatMap((name) => [`${name}.before`, `${name}.inside`, `${name}.committed`]), ...placesOf(readSources("src/core/runs"))];
}
