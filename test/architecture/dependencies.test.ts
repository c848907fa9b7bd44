import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { packageOf, readSources, root } from "./sources.ts";

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly license?: string; readonly dev?: boolean }>>;
}

const read = <T>(file: string): T => JSON.parse(readFileSync(join(root, file), "utf8")) as T;
const manifest = read<Manifest>("package.json");
const locked = Object.entries(read<Lock>("package-lock.json").packages).filter(([path]) => path !== "");
// sqlite-vec says it in words of its own.
const permissive = ["MIT OR Apache", "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "ISC", "MIT", "Unlicense"];

describe("what the package depends on", () => {
  it("is pinned to exact versions", () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(20);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("may be passed on by anybody: every licence that ships is permissive, down to the last package", () => {
    const shipped = locked.filter(([, { dev }]) => !dev);
    expect(shipped.length).toBeGreaterThan(50);
    expect(
      shipped.filter(([, { license }]) => !permissive.includes(license ?? "")).map(([path, { license }]) => `${path} ${license}`),
    ).toEqual([]);
  });

  it("brings one graphql and one native SQLite", () => {
    for (const name of ["graphql", "better-sqlite3"]) {
      expect(locked.filter(([path]) => path === name || path.endsWith(`node_modules/${name}`)).map(([path]) => path)).toEqual([
        `node_modules/${name}`,
      ]);
      expect(manifest.overrides[name]).toBe(`$${name}`);
    }
  });

  it("brings one core of LangChain: two do not know each other's messages", () => {
    const cores = locked.filter(([path]) => path.endsWith("node_modules/@langchain/core")).map(([path]) => path);
    expect(cores).toEqual(["node_modules/@langchain/core"]);
    const graphs = locked.filter(([path]) => path.endsWith("node_modules/@langchain/langgraph")).map(([path]) => path);
    expect(graphs).toEqual(["node_modules/@langchain/langgraph"]);
  });

  it("brings one openai: an error of one is none of the other", () => {
    expect(locked.filter(([path]) => path.endsWith("node_modules/openai")).map(([path]) => path)).toEqual(["node_modules/openai"]);
  });

  it("keeps all of MikroORM at one version: its packages fit together at no other", () => {
    const versions = locked.filter(([path]) => path.startsWith("node_modules/@mikro-orm/")).map(([, { version }]) => version);
    expect(versions.length).toBeGreaterThan(2);
    expect([...new Set(versions)]).toHaveLength(1);
  });

  it("is explained, package by package, in the decision about it", () => {
    const record = readFileSync(join(root, "docs/adr/0010-dependencies-and-busy-runs.md"), "utf8");
    const rows = record.split("\n").filter((line) => line.startsWith("| "));
    const names = Object.keys(manifest.dependencies);
    const short = (name: string): string =>
      name.startsWith("@mikro-orm/") && name !== "@mikro-orm/core" ? name.slice("@mikro-orm/".length) : name;
    const explained = (name: string): boolean =>
      rows.some((row) => (row.split("|")[1] ?? "").split(",").some((each) => each.trim() === short(name)));
    expect(names.filter((name) => !explained(name))).toEqual([]);
    for (const name of names) {
      const { license } = read<{ license: string }>(`node_modules/${name}/package.json`);
      const row = rows.find((each) => (each.split("|")[1] ?? "").split(",").some((part) => part.trim() === short(name)));
      expect(row?.split("|")[2]?.trim(), name).toBe(license);
    }
  });

  it("is all that the sources import", () => {
    const used = new Set(readSources("src").flatMap(({ imports }) => imports.flatMap(({ specifier }) => packageOf(specifier) ?? [])));
    const known = new Set([...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies), "(computed)"]);
    expect([...used].filter((name) => !name.startsWith("node:") && !known.has(name))).toEqual([]);
  });
});
