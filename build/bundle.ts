import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown, type OutputChunk, type Plugin } from "rolldown";

/** What others import, what is started, and what runs on a thread of its own. Each stays where its source stands. */
const entries = [
  "plugins.config.ts",
  "src/cli/{main,report-loaded}.ts",
  "src/core/index.ts",
  "src/plugins/index.ts",
  "src/plugins/*/contract.ts",
  "src/server.ts",
  "src/testing/index.ts",
  "src/**/*-{thread,worker}.ts",
  "src/core/offload/worker.ts",
];

/** Libraries that go into the bundle: every start loads them, and no plugin of others has to meet the copy that the platform has of them. */
const libraries = [
  "@clack/prompts",
  "@graphql-tools/executor",
  "@mikro-orm/migrations",
  "@mikro-orm/sqlite",
  "@pothos/core",
  "ajv",
  "canonicalize",
  "commander",
  "croner",
  "dataloader",
  "eventsource-parser",
  "expr-eval-fork",
  "graphql-ws",
  "graphql-yoga",
  "ipaddr.js",
  "jsonc-parser",
  "kysely",
  "log-update",
  "luxon",
  "p-retry",
  "proxy-addr",
  "rate-limiter-flexible",
  "semver",
  "standardwebhooks",
  "uuid",
  "yaml",
  "zod",
];

/** What stays where npm puts it: others meet the same copy, or it is native or looks for files of its own. */
const shared = ["@mikro-orm/core", "better-sqlite3", "graphql", "pino", "ws"];

/**
 * Bundles the sources and {@link libraries} into `dist`, with the licences of the libraries: a start loads a few files where Node would look for
 * two thousand. One build makes one copy of each module, whichever entry it is met through.
 */
export async function bundle(root: string, dist: string): Promise<void> {
  const build = await rolldown({
    cwd: root,
    input: Object.fromEntries(globSync(entries, { cwd: root }).map((file) => [file.replace(/\.ts$/, ""), join(root, file)])),
    platform: "node",
    external: (id, importer) => isPackage(id) && !isBundled(id, ownFile(root, importer)),
    plugins: [librariesOf(root), ownLocations(root)],
  });
  // Entities, migrations and errors are known by the names of their classes.
  const options = { dir: dist, format: "esm", keepNames: true, sourcemap: true } as const;
  const { output } = await build.write({ ...options, chunkFileNames: "chunks/[name]-[hash].js" });
  for (const { type, fileName } of output) if (type === "asset" && fileName.endsWith(".map")) leaveOutSources(join(dist, fileName));
  writeFileSync(join(dist, "LICENSES.txt"), licences(output.filter((each) => each.type === "chunk")));
  await bundleClient(root, dist);
}

/** The client runs in browsers too, and leaves libraries to the bundlers there. */
async function bundleClient(root: string, dist: string): Promise<void> {
  const build = await rolldown({ cwd: root, input: join(root, "src/client/index.ts"), platform: "neutral", external: isPackage });
  await build.write({ file: join(dist, "src/client/index.js"), format: "esm", keepNames: true });
}

/** A stack trace needs the names and lines alone. */
function leaveOutSources(file: string): void {
  const { sourcesContent: _, ...map } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify(map));
}

function isPackage(id: string): boolean {
  return !/^[./#\0]/.test(id);
}

/** @param importer one of our own files; absent where a library imports another. */
function isBundled(id: string, importer: string | undefined): boolean {
  if (id.startsWith("node:")) return false;
  if (importer === undefined) return !isOf(shared, id);
  return isOf(libraries, id);
}

function isOf(packages: readonly string[], name: string): boolean {
  return packages.some((each) => name === each || name.startsWith(`${each}/`));
}

/** A file of ours by its path from the root. */
function ownFile(root: string, id: string | undefined): string | undefined {
  const path = id === undefined ? "" : relative(root, id).replaceAll(sep, "/");
  return path.startsWith("src/") || path === "plugins.config.ts" ? path : undefined;
}

/** Takes of a library what Node would. */
function librariesOf(root: string): Plugin {
  return {
    name: "libraries",
    resolveId: (id, importer) =>
      isOf(libraries, id) && ownFile(root, importer) !== undefined ? fileURLToPath(import.meta.resolve(id)) : undefined,
  };
}

/** A module that asks where it stands is told where it would stand as a file of its own; what it starts by its file must be an entry. */
function ownLocations(root: string): Plugin {
  const marked = /"weftline-module:([^"]+)"/g;
  const started = /new URL\(`\.\/([\w-]+)\$\{/g;
  const isEntry = new Set(globSync(entries, { cwd: root }));
  return {
    name: "own-locations",
    transform: (code, id) => {
      const file = ownFile(root, id);
      if (file === undefined || !code.includes("import.meta.")) return undefined;
      for (const [, name] of code.matchAll(started)) {
        const script = `${dirname(file)}/${name}.ts`;
        if (!isEntry.has(script)) throw new Error(`${file} starts ${script}, which is not an entry: add it to build/bundle.ts.`);
      }
      const asked = code.replaceAll("import.meta.url", `new URL("weftline-module:${file.replace(/\.ts$/, ".js")}", import.meta.url).href`);
      return { code: asked, map: null };
    },
    renderChunk: (code, { fileName }) => {
      if (!code.includes("weftline-module:")) return undefined;
      const located = code.replaceAll(marked, (_, file: string) => {
        const path = relative(dirname(fileName), file).replaceAll(sep, "/");
        return JSON.stringify(path.startsWith(".") ? path : `./${path}`);
      });
      return { code: located, map: null };
    },
  };
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
