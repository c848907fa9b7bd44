import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const root = join(import.meta.dirname, "../..");

/** The blocks of docs/clients.md as files, against a server of a test's own choice. */
export interface Recipes {
  readonly folder: string;
  readonly names: readonly string[];
  /** Loads one as a module. */
  load<Module>(name: string): Promise<Module>;
  remove(): void;
}

/** @param url where the recipes are to find the graph. */
export function recipes(url: string): Recipes {
  const page = readFileSync(join(root, "docs/clients.md"), "utf8");
  const folder = mkdtempSync(join(tmpdir(), "weftline-recipes-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const blocks = [...page.matchAll(/^```(?:ts|sh) (\S+)\n([\s\S]*?)^```$/gm)];
  for (const [, name = "", code = ""] of blocks) {
    const local = code
      .replaceAll("127.0.0.1:4400", new URL(url).host)
      .replaceAll('from "weftline/client"', `from ${JSON.stringify(join(root, "src/client/index.ts"))}`);
    writeFileSync(join(folder, name), local);
  }
  return {
    folder,
    names: blocks.map(([, name = ""]) => name),
    load: async <Module>(name: string) => (await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)) as Module,
    remove: () => rmSync(folder, { recursive: true }),
  };
}
