import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const run = promisify(execFile);

/** What the package's entry points are in the sources. */
const sources: Readonly<Record<string, string>> = {
  weftline: "src/core/index.ts",
  "weftline/plugins": "src/plugins/index.ts",
  "weftline/plugins/memory": "src/plugins/memory/contract.ts",
  "weftline/plugins/workflows": "src/plugins/workflows/contract.ts",
  "weftline/testing": "src/testing/index.ts",
};

/** The blocks of the page that name a file. */
function snippets(): Map<string, string> {
  const page = readFileSync(join(root, "docs/writing-a-plugin.md"), "utf8");
  const blocks = [...page.matchAll(/^```ts (\S+)\n([\s\S]*?)^```$/gm)];
  return new Map(blocks.map(([, file, code]) => [file ?? "", code ?? ""]));
}

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "weftline-docs-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  for (const [file, code] of snippets()) {
    const local = code.replaceAll(
      /from "(weftline[^"]*)"/g,
      (_, name: string) => `from ${JSON.stringify(join(root, sources[name] ?? name))}`,
    );
    writeFileSync(join(folder, file), local);
  }
  const compilerOptions = {
    typeRoots: [join(root, "node_modules/@types")],
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [join(folder, "*.ts")] }),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("the page on writing a plugin", () => {
  it("shows the files that it talks about", () => {
    expect([...snippets().keys()]).toEqual([
      "hello.ts",
      "plugins.config.ts",
      "hello.test.ts",
      "agents.test.ts",
      "lingo.ts",
      "workshop.ts",
      "chore.ts",
      "shear.ts",
      "stamp.ts",
      "stamp.test.ts",
      "recall.ts",
      "house-embedder.ts",
      "entities.ts",
      "card.ts",
    ]);
  });

  it("has code that compiles", async () => {
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await expect(run(process.execPath, [tsc, "-p", folder])).resolves.toMatchObject({ stdout: "" });
  });

  it("has tests that pass", async () => {
    const { stdout } = await run(
      process.execPath,
      ["--test", "--test-reporter=tap", ...["hello", "agents", "stamp"].map((name) => join(folder, `${name}.test.ts`))],
      { cwd: folder },
    );
    expect(stdout).toMatch(/^# pass 17$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });

  it("has a configuration whose command runs", async () => {
    const cli = join(root, "src/cli/main.ts");
    expect(await run(process.execPath, [cli, "hello", "Bob"], { cwd: folder })).toMatchObject({ stdout: "Hello Bob\n" });
    const help = await run(process.execPath, [cli, "--help"], { cwd: folder });
    expect(help.stdout).toContain("Greets on the command line.");
  });
});
