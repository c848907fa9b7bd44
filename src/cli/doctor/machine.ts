import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DoctorFinding } from "../../core/doctor-checks.ts";
import { sqliteVersion } from "../../core/database/examine.ts";
import { version } from "../../core/version.ts";
import { failed, ok, warning, type Check, type Patient } from "./check.ts";

/** No clock of a machine that runs this was right before it was written. */
const writtenAt = Date.UTC(2026, 10, 1);

/** The programs that everything runs on. */
export const runtimeCheck: Check = {
  name: "runtime",
  run: () => [ok(`Weftline ${version}, Node ${process.versions.node}, SQLite ${sqliteVersion()}`)],
};

/** Every time that is stored comes from this clock. */
export const clockCheck: Check = {
  name: "clock",
  run: () => {
    const now = new Date();
    if (now.getTime() > writtenAt) return [ok(now.toISOString())];
    return [
      failed(`The clock says ${now.toISOString()}, which is over.`, "Set the clock, best with NTP: runs, schedules and ids go by it."),
    ];
  },
};

/** Packages that are handed a graph of ours, and must know the same `graphql`. */
const users = ["@pothos/core", "graphql-yoga", "graphql-ws", "@graphql-tools/executor"];

/** Two copies of `graphql` refuse each other's schemas. */
export const packagesCheck: Check = {
  name: "packages",
  run: ({ configFile }: Patient): DoctorFinding[] => {
    const places = [import.meta.url, ...(configFile === undefined ? [] : [pathToFileURL(configFile).href])];
    const copies = new Map<string, string>();
    for (const place of places) {
      const require = createRequire(place);
      add(copies, require);
      for (const user of users) {
        const found = resolved(require, user);
        if (found !== undefined) add(copies, createRequire(found));
      }
    }
    const [first] = copies;
    if (first === undefined) return [failed("The package graphql is not installed.", "Run: npm install")];
    if (copies.size === 1) return [ok(`One copy of graphql, ${first[1]}`)];
    const list = [...copies].map(([folder, number]) => `${number} in ${folder}`).join(", ");
    return [warning(`There are ${copies.size} copies of graphql: ${list}.`, "Look with npm ls graphql, then run: npm dedupe")];
  },
};

function add(copies: Map<string, string>, require: NodeJS.Require): void {
  const entry = resolved(require, "graphql");
  for (
    let folder = entry === undefined ? undefined : dirname(entry);
    folder !== undefined && folder !== dirname(folder);
    folder = dirname(folder)
  ) {
    const file = join(folder, "package.json");
    if (!existsSync(file)) continue;
    const { name, version: number } = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
    if (name !== "graphql") continue;
    copies.set(realpathSync(folder), number ?? "unknown");
    return;
  }
}

function resolved(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}
