import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { buildSchema, parse, validate } from "graphql";
import { afterAll, describe, expect, inject, it } from "vitest";
import { recipes } from "./recipes.ts";

const root = join(import.meta.dirname, "../..");

describe("the recipes of docs/clients.md", () => {
  const all = recipes(inject("url"));
  afterAll(() => all.remove());

  it("compile, as strictly as the sources", async () => {
    const compilerOptions = {
      typeRoots: [join(root, "node_modules/@types")],
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    };
    writeFileSync(
      join(all.folder, "tsconfig.json"),
      JSON.stringify({ extends: join(root, "tsconfig.json"), compilerOptions, include: [join(all.folder, "*.ts")] }),
    );
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, "-p", all.folder]).catch(
      (error: unknown) => error as { stdout: string },
    );
    expect(stdout).toBe("");
  });

  it("ask what the graph answers", async () => {
    const { watchRun } = await all.load<{ watchRun: string }>("run.ts");
    expect(validate(buildSchema(readFileSync(join(root, "schema.graphql"), "utf8")), parse(watchRun))).toEqual([]);
  });
});
