import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { parseSync } from "oxc-parser";

export const root = join(import.meta.dirname, "../..");

/** A node of the syntax tree, as far as the rules look at it. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** What one file takes from another module. */
export interface Import {
  readonly specifier: string;
  /** `lazy`: by `import()` at run time. `type`: erased, as `import type` and `import("…").T`. */
  readonly kind: "value" | "type" | "lazy";
  readonly line: number;
}

/** What one file gives. */
export interface Export {
  readonly name: string;
  readonly kind: "value" | "type";
}

/** One parsed file. Its path is relative to the root, with slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** How many lines it has. */
  readonly length: number;
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Modules of which it exports everything. */
  readonly exportsAllOf: readonly string[];
  /** Calls back for each node of its syntax tree; comments are none. */
  walk(visit: (node: SyntaxNode) => void): void;
  lineOf(offset: number): number;
}

/** Parses all TypeScript files of a folder. */
export function readSources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .toSorted()
    .map((path) => parseSource(path, readFileSync(join(root, path), "utf8")));
}

/** @throws where the text is no TypeScript. */
export function parseSource(path: string, text: string): Source {
  const { program, module, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
  const breaks = [...text.matchAll(/\n/g)].map(({ index }) => index);
  const lineOf = (offset: number): number => breaks.filter((at) => at < offset).length + 1;
  const walk = (visit: (node: SyntaxNode) => void): void => walkNode(program as unknown as SyntaxNode, visit);

  const imports: Import[] = module.staticImports.map(({ start, moduleRequest, entries }) => ({
    specifier: moduleRequest.value,
    kind: entries.length > 0 && entries.every((entry) => entry.isType) ? "type" : "value",
    line: lineOf(start),
  }));
  for (const { start, entries } of module.staticExports) {
    const specifier = entries[0]?.moduleRequest?.value;
    if (specifier !== undefined)
      imports.push({ specifier, kind: entries.every((entry) => entry.isType) ? "type" : "value", line: lineOf(start) });
  }
  walk((node) => {
    if (node.type !== "ImportExpression" && node.type !== "TSImportType") return;
    const source = node["source"] as { readonly value?: unknown };
    const specifier = typeof source.value === "string" ? source.value : "(computed)";
    imports.push({ specifier, kind: node.type === "TSImportType" ? "type" : "lazy", line: lineOf(node.start) });
  });

  const entries = module.staticExports.flatMap((statement) => statement.entries);
  return {
    path,
    text,
    length: text.endsWith("\n") ? breaks.length : breaks.length + 1,
    imports,
    exports: entries.flatMap(({ exportName, isType }) =>
      exportName.kind === "None"
        ? []
        : [{ name: exportName.kind === "Default" ? "default" : (exportName.name ?? ""), kind: isType ? "type" : "value" }],
    ),
    exportsAllOf: entries.flatMap(({ exportName, moduleRequest }) =>
      exportName.kind === "None" && moduleRequest ? [moduleRequest.value] : [],
    ),
    walk,
    lineOf,
  };
}

function walkNode(node: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  visit(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child === "object" && child !== null && typeof (child as SyntaxNode).type === "string")
        walkNode(child as SyntaxNode, visit);
    }
  }
}

/** The file behind a specifier, by package.json's imports; `undefined` for packages and what Node brings along. */
export function targetOf(from: string, specifier: string): string | undefined {
  if (specifier === "#weftline") return "src/core/index.ts";
  if (specifier.startsWith("#plugins/")) return `src/plugins/${specifier.slice("#plugins/".length)}/contract.ts`;
  if (!specifier.startsWith(".")) return undefined;
  const path = posix.join(dirname(from), specifier);
  return existsSync(join(root, path)) ? path : `${path} (missing)`;
}

/** The name of the package behind a specifier; `undefined` for files of ours. */
export function packageOf(specifier: string): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("#")) return undefined;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

/** Walks along edges that lead back to where they began, each once, as `a → b → a`. */
export function circlesOf(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const circles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) circles.add([...trail.slice(at), path].join(" → "));
    if (at >= 0 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return [...circles];
}
