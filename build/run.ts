import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundle } from "./bundle.ts";

/** Compiles to `dist`, with a manifest there that points `#weftline` and `#plugins/*` at what was compiled, and the libraries beside it. */
const require = createRequire(import.meta.url);
const root = dirname(import.meta.dirname);
const dist = join(root, "dist");

interface Manifest {
  readonly imports: Readonly<Record<string, string>>;
}

function compiler(): string {
  const manifest = require.resolve("typescript/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: { tsc: string } };
  return join(dirname(manifest), bin.tsc);
}

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [compiler(), "-p", join(root, "tsconfig.build.json"), "--emitDeclarationOnly"], { stdio: "inherit" });
const { imports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
const compiled = Object.fromEntries(Object.entries(imports).map(([name, file]) => [name, file.replace(/\.ts$/, ".js")]));
writeFileSync(join(dist, "package.json"), `${JSON.stringify({ type: "module", imports: compiled }, null, 2)}\n`);
// What is not TypeScript and goes along as it is.
for (const part of ["src/plugins/crewai/python/worker", "src/plugins/crewai/python/requirements.lock"]) {
  cpSync(join(root, part), join(dist, part), { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
}
await bundle(root, dist);
