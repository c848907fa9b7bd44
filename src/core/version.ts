import { readFileSync } from "node:fs";

function readVersion(): string {
  for (const up of ["../../package.json", "../../../package.json"]) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { name?: string; version?: string };
      if (manifest.name === "weftline" && manifest.version) return manifest.version;
    } catch {
      // Sources and the built package lie at different depths below the manifest.
    }
  }
  return "0.0.0";
}

/** The version of this host, against which plugins declare a range. */
export const version: string = readVersion();
