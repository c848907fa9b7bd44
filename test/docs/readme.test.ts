import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSchema, parse, validate } from "graphql";
import { afterAll, describe, expect, it } from "vitest";
import type { WeftlineConfig } from "#weftline";
import { createPlatform } from "../../src/core/platform.ts";

const root = join(import.meta.dirname, "../..");
const page = readFileSync(join(root, "README.md"), "utf8");
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(([, code]) => code ?? "");

const folder = mkdtempSync(join(tmpdir(), "weftline-readme-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Loads a block as a file, with the package's entry points found in the sources. */
async function load(name: string, code: string): Promise<Record<string, unknown>> {
  const file = join(folder, name);
  const local = code
    .replaceAll('from "weftline/plugins"', `from ${JSON.stringify(join(root, "src/plugins/index.ts"))}`)
    .replaceAll('from "weftline"', `from ${JSON.stringify(join(root, "src/core/index.ts"))}`);
  writeFileSync(file, local);
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Record<string, unknown>;
}

describe("the README", () => {
  it("names every plugin that ships, with a page that is there", () => {
    const rows = new Map([...page.matchAll(/^\| \[([a-z]+)\]\(([^)]+)\) \|/gm)].map(([, name = "", target = ""]) => [name, target]));
    const shipped = [...readFileSync(join(root, "src/plugins/index.ts"), "utf8").matchAll(/"\.\/([a-z]+)\/index\.ts"/g)];
    expect([...rows.keys()].toSorted()).toEqual(shipped.map(([, name]) => name).toSorted());
    for (const target of rows.values()) expect(existsSync(join(root, target)), target).toBe(true);
  });

  it("has operations that the graph accepts", () => {
    const schema = buildSchema(readFileSync(join(root, "schema.graphql"), "utf8"));
    expect(blocks("graphql").length).toBeGreaterThan(2);
    for (const operation of blocks("graphql")) expect(validate(schema, parse(operation)), operation).toEqual([]);
  });

  it("has a configuration and a plugin that boot together", async () => {
    const [config = "", plugin = ""] = blocks("ts");
    const { default: loaded } = await load("plugins.config.ts", config);
    const { dice } = await load("dice.ts", plugin);
    const { plugins } = loaded as WeftlineConfig;
    const platform = await createPlatform({
      plugins: [plugins, (dice as () => never)()],
      dataDir: join(folder, "data"),
      logLevel: "silent",
    });
    const states = [...platform.kernel.report.plugins.values()].map(({ state }) => state);
    await platform.close();
    expect(new Set(states)).toEqual(new Set(["READY"]));
  });

  it("has a configuration and a plugin that run in a clone as they are printed", () => {
    const [config = "", plugin = ""] = blocks("ts");
    const app = mkdtempSync(join(folder, "app-"));
    writeFileSync(join(app, "dice.ts"), plugin);
    writeFileSync(
      join(app, "plugins.config.ts"),
      `import { dice } from "./dice.ts";\n${config}`.replace("example(),", "").replace("files(),", "files(), dice(),"),
    );
    const printed = execFileSync(process.execPath, [join(root, "bin/weftline.js"), "schema", "print"], {
      cwd: app,
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "" },
    });
    expect(printed).toContain("diceSides: [Int!]");
    expect(printed).toContain("sendMessage(");
  });

  it("links to files that exist", () => {
    const links = [...page.matchAll(/\]\((?!http)([^)#]+)\)/g)].map(([, path]) => path ?? "");
    expect(links.length).toBeGreaterThan(10);
    for (const link of links) expect(existsSync(join(root, link)), link).toBe(true);
  });
});
