import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AgentRuntime, Models } from "#weftline";

/** The package that a framework adapts. */
export interface AdaptedSdk {
  readonly name: string;
  /** Nothing where it is not installed. */
  readonly version: string | undefined;
  /** What brings it, as a sentence. */
  readonly fix: string;
}

/** What a runtime says of its package and of the models behind it; the package itself is loaded at the first turn only. */
export function standingOn(
  { name, version, fix }: AdaptedSdk,
  models: Pick<Models, "list" | "status">,
): Pick<AgentRuntime, "sdk" | "status" | "models"> {
  return {
    ...(version === undefined ? {} : { sdk: { name, version } }),
    status: () => (version === undefined ? { mode: "UNAVAILABLE", reason: `The package ${name} is not installed.`, fix } : models.status()),
    models: () => models.list(),
  };
}

/** The version of an installed package, from its manifest alone; nothing where it is not installed. */
export function versionOf(name: string): string | undefined {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}
