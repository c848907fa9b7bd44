import { readSources, targetOf, type Source, type SyntaxNode } from "./sources.ts";

/** All files of `src`. */
export const sources = readSources("src");
export const inFolder = (folder: string): Source[] => sources.filter(({ path }) => path.startsWith(`${folder}/`));
export const pluginIds = [...new Set(inFolder("src/plugins").flatMap(({ path }) => /^src\/plugins\/([^/]+)\//.exec(path)?.[1] ?? []))];

/** What stands in the way of a rule, a line each: `from:line what`. */
export type Breach = string;

/** Every import of some files that `problem` has something against. */
export function importsAgainst(
  files: readonly Source[],
  problem: (target: string | undefined, specifier: string, from: Source) => string | undefined,
): Breach[] {
  return files.flatMap((from) =>
    from.imports.flatMap(({ specifier, line }) => {
      const found = problem(targetOf(from.path, specifier), specifier, from);
      return found === undefined ? [] : [`${from.path}:${line} ${found}`];
    }),
  );
}

/** Every node of some files that `problem` has something against. */
export function nodesAgainst(files: readonly Source[], problem: (node: SyntaxNode) => string | undefined): Breach[] {
  return files.flatMap((from) => {
    const breaches: Breach[] = [];
    from.walk((node) => {
      const found = problem(node);
      if (found !== undefined) breaches.push(`${from.path}:${from.lineOf(node.start)} ${found}`);
    });
    return breaches;
  });
}
