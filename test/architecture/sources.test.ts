import { describe, expect, it } from "vitest";
import { circlesOf, packageOf, parseSource, readSources, targetOf } from "./sources.ts";

/** The rules are only as good as what they see. */
describe("the reader of sources", () => {
  it("sees every way to take something from another module", () => {
    const text = `import a, { type B } from "./a.ts";
import type { C } from "#weftline";
import "./side.ts";
export * from "./all.ts";
export { d } from "./d.ts";
export type { E } from "./e.ts";
type F = import("./f.ts").G;
const { OpenAI } = await import("openai");
const later = (name: string) => import(name);
// import "./comment.ts"
const text = 'import "./string.ts"';`;
    expect(parseSource("src/x.ts", text).imports.toSorted((a, b) => a.line - b.line)).toEqual([
      { specifier: "./a.ts", kind: "value", line: 1 },
      { specifier: "#weftline", kind: "type", line: 2 },
      { specifier: "./side.ts", kind: "value", line: 3 },
      { specifier: "./all.ts", kind: "value", line: 4 },
      { specifier: "./d.ts", kind: "value", line: 5 },
      { specifier: "./e.ts", kind: "type", line: 6 },
      { specifier: "./f.ts", kind: "type", line: 7 },
      { specifier: "openai", kind: "lazy", line: 8 },
      { specifier: "(computed)", kind: "lazy", line: 9 },
    ]);
  });

  it("sees what a module gives, by name and kind", () => {
    const text = `export const a = 1, b = 2;
export interface C {}
export { a as d, type C as E };
export default class F {}
export * from "./g.ts";`;
    const source = parseSource("src/x.ts", text);
    expect(source.exports.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
      "a value",
      "b value",
      "C type",
      "d value",
      "E type",
      "default value",
    ]);
    expect(source.exportsAllOf).toEqual(["./g.ts"]);
    expect(source.length).toBe(5);
  });

  it("sees all files of a folder, and refuses what is no TypeScript", () => {
    const sources = readSources("src/core/kernel");
    expect(sources.map(({ path }) => path)).toContain("src/core/kernel/kernel.ts");
    expect(() => parseSource("src/x.ts", "export const = 1")).toThrow("src/x.ts");
  });

  it("finds the file behind a specifier, and the package", () => {
    expect(targetOf("src/core/runs/log.ts", "../errors.ts")).toBe("src/core/errors.ts");
    expect(targetOf("src/plugins/chat/index.ts", "#weftline")).toBe("src/core/index.ts");
    expect(targetOf("src/plugins/chat/index.ts", "#plugins/agents")).toBe("src/plugins/agents/contract.ts");
    expect(targetOf("src/core/runs/log.ts", "./nowhere.ts")).toBe("src/core/runs/nowhere.ts (missing)");
    expect(targetOf("src/core/runs/log.ts", "node:fs")).toBeUndefined();
    expect(["@mikro-orm/core/x", "semver/functions/satisfies.js", "./a.ts", "#weftline"].map(packageOf)).toEqual([
      "@mikro-orm/core",
      "semver",
      undefined,
      undefined,
    ]);
  });

  it("finds circles of any length, each once", () => {
    const edges = new Map([
      ["a", ["b", "d"]],
      ["b", ["c"]],
      ["c", ["a"]],
      ["d", ["d"]],
      ["e", ["a"]],
    ]);
    expect(circlesOf(edges)).toEqual(["a → b → c → a", "d → d"]);
    expect(
      circlesOf(
        new Map([
          ["a", ["b", "c"]],
          ["b", ["c"]],
          ["c", []],
        ]),
      ),
    ).toEqual([]);
  });
});
