import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../src/cli/program.ts";

/** What a command line did. */
export interface Ran {
  readonly code: number;
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly said: string;
}

/** Runs a command line in this process. */
export async function weftline(...argv: string[]): Promise<Ran> {
  const out: string[] = [];
  const said: string[] = [];
  const code = await runCli(argv, { out: (text) => out.push(text), say: (line) => said.push(`${line}\n`), paint: (_, text) => text });
  return { code, out: out.join(""), said: said.join("") };
}

export const root = join(import.meta.dirname, "../..");

const helloFile = JSON.stringify(join(import.meta.dirname, "fixtures/hello.ts"));
const authFile = JSON.stringify(join(root, "src/plugins/auth/index.ts"));

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "weftline-cli-"));
}

/** Writes a configuration, of the fixture plugin by default, and answers its file. */
export function writeConfig(folder: string, config = "{ plugins: [auth(), hello()] }", name = "plugins.config.ts"): string {
  const file = join(folder, name);
  writeFileSync(file, `import { hello } from ${helloFile};\nimport { auth } from ${authFile};\nexport default ${config};\n`);
  return file;
}
