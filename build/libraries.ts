import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { init, parse } from "es-module-lexer";
import { rolldown, type OutputChunk } from "rolldown";

/**
 * Libraries that every start loads, in some 1,200 files that Node would look for one by one. No plugin of others has to meet the copy that the
 * platform has of them.
 */
const libraries = [
  "@graphql-tools/executor",
  "@mikro-orm/migrations",
  "@mikro-orm/sqlite",
  "@pothos/core",
  "ajv",
  "commander",
  "dataloader",
  "graphql-ws",
  "graphql-yoga",
  "kysely",
  "p-queue",
  "p-retry",
  "rate-limiter-flexible",
  "semver",
  "uuid",
  "zod",
];

/** What stays where npm puts it: others meet the same copy, or it is native or looks for files of its own. */
const shared = ["@mikro-orm/core", "better-sqlite3", "graphql", "pino", "ws"];

/** Who uses libraries in browsers too, and leaves them to the bundlers there. */
const leftAlone = /^src\/client\//;

/**
 * Puts the libraries into a few files under `dist/libraries` and points what was compiled at them, with their licences. Our own modules stay
 * a file each, so that there is one copy of each and a stack trace names it.
 */
export async function bundleLibraries(root: string, dist: string): Promise<void> {
  await init;
  const compiled = globSync("{src/**/*.js,plugins.config.js}", { cwd: dist }).filter((file) => !leftAlone.test(file));
  const sources = compiled.map((file) => ({ file, text: readFileSync(join(dist, file), "utf8") }));
  const wanted = new Set(sources.flatMap(({ text }) => importsOf(text).map(({ name }) => name)));
  const chunks = await bundle(root, join(dist, "libraries"), [...wanted]);
  writeFileSync(join(dist, "libraries/LICENSES.txt"), licences(chunks));
  for (const { file, text } of sources) writeFileSync(join(dist, file), pointed(text, relative(dirname(file), "libraries")));
}

interface Import {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Where a module imports one of the libraries. */
function importsOf(text: string): Import[] {
  const [imports] = parse(text);
  return imports.flatMap(({ n: name, s, e, d }) => {
    if (name === undefined || !isOf(libraries, name)) return [];
    // Of a dynamic import the quotes are in.
    return [d === -1 ? { name, start: s, end: e } : { name, start: s + 1, end: e - 1 }];
  });
}

function isOf(packages: readonly string[], name: string): boolean {
  return packages.some((each) => name === each || name.startsWith(`${each}/`));
}

function fileOf(library: string): string {
  return library.replaceAll("@", "").replaceAll("/", "-").replace(/\.js$/, "");
}

/** @param up leads from the module to the libraries. */
function pointed(text: string, up: string): string {
  const base = up.startsWith(".") ? up : `./${up}`;
  return importsOf(text)
    .toReversed()
    .reduce((said, { name, start, end }) => `${said.slice(0, start)}${base}/${fileOf(name)}.js${said.slice(end)}`, text);
}

async function bundle(root: string, dir: string, wanted: readonly string[]): Promise<OutputChunk[]> {
  // Named one by one: of a CommonJS module a bundler would give the default only.
  const entries = new Map(
    await Promise.all(
      wanted.map(async (name): Promise<[string, string]> => {
        const names = Object.keys((await import(name)) as object).filter((each) => each !== "module.exports");
        return [`\0${name}`, `export { ${names.join(", ")} } from ${JSON.stringify(name)};`];
      }),
    ),
  );
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(wanted.map((name) => [fileOf(name), `\0${name}`])),
    platform: "node",
    external: (id) => isOf(shared, id),
    plugins: [
      {
        name: "libraries",
        resolveId: (id, importer) => {
          if (entries.has(id)) return id;
          return importer !== undefined && entries.has(importer) ? fileURLToPath(import.meta.resolve(id)) : undefined;
        },
        load: (id) => entries.get(id),
      },
    ],
  });
  const { output } = await build.write({ dir, format: "esm", chunkFileNames: "shared-[hash].js" });
  return output.filter((each) => each.type === "chunk");
}

/** The licence of every package that has code in the chunks. */
function licences(chunks: readonly OutputChunk[]): string {
  const folders = new Set(chunks.flatMap(({ moduleIds }) => moduleIds.flatMap((id) => folderOf(id) ?? [])));
  const texts = [...folders].toSorted().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, string>;
    const [file] = globSync("{LICEN[CS]E,licen[cs]e}*", { cwd: folder });
    return `${name} ${version}: ${license}\n\n${file ? readFileSync(join(folder, file), "utf8").trim() : "(no text in the package)"}\n`;
  });
  return `The code of these packages stands in this folder.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

/** The folder of the package that a file is of. */
function folderOf(id: string): string | undefined {
  const at = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
  return at && existsSync(join(at, "package.json")) ? at : undefined;
}
