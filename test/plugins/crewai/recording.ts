import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pinnedVersion } from "../../../src/plugins/crewai/python/installation.ts";
import type { Scene } from "./scenes.ts";

/** What passed on the line of one turn of a run: what CrewAI said, and which answer or request it heard before it said more. */
export type Turn = readonly ({ readonly says: object } | { readonly hears: number | string })[];

/** A scene as the real CrewAI played it. */
export interface Recording {
  readonly crewai: string;
  readonly turns: readonly Turn[];
}

const folder = join(import.meta.dirname, "recordings");

export function fileOf({ name }: Scene): string {
  return join(folder, `${name.toLowerCase().replaceAll(/[^a-z]+/g, "-")}.json`);
}

export function readRecording(scene: Scene): Recording {
  const file = fileOf(scene);
  if (!existsSync(file))
    throw new Error(`There is no ${file}. Run: WEFTLINE_RECORD=1 npm run test:crewai -- recordings, then: npm run format`);
  return JSON.parse(readFileSync(file, "utf8")) as Recording;
}

export function writeRecording(scene: Scene, recording: Recording): void {
  mkdirSync(folder, { recursive: true });
  const turns = recording.turns.map((turn) => `[\n${turn.map((entry) => JSON.stringify(entry)).join(",\n")}\n]`);
  writeFileSync(fileOf(scene), `{"crewai":${JSON.stringify(recording.crewai)},"turns":[${turns.join(",")}]}\n`);
}

/** A home in which a program of ours stands in Python's place. @returns the interpreter */
export function pythonThat(module: string, call: string): { readonly home: string; readonly python: string } {
  const home = mkdtempSync(join(tmpdir(), "weftline-crew-home-"));
  mkdirSync(join(home, "bin"));
  mkdirSync(join(home, `lib/python3.12/site-packages/crewai-${pinnedVersion()}.dist-info`), { recursive: true });
  const python = join(home, "bin/python");
  writeFileSync(python, `#!${process.execPath}\nimport(${JSON.stringify(module)}).then((its) => its.${call});\n`);
  chmodSync(python, 0o755);
  return { home, python };
}
