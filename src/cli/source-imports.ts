import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { extname } from "node:path";

const root = new URL("../../", import.meta.url);

/**
 * In a clone, lets a configuration import `weftline` and `weftline/<part>` as the package's users do: the names lead to the sources that
 * run, and not to a build beside them, which would be a second copy of the platform. The package itself resolves them by its exports.
 */
export function importFromSources(): void {
  if (extname(import.meta.url) !== ".ts") return;
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
    exports: Readonly<Record<string, { readonly default: string } | string>>;
  };
  registerHooks({
    resolve: (specifier, context, next) => {
      const built = specifier === "weftline" || specifier.startsWith("weftline/") ? builtFile(exports, specifier) : undefined;
      return next(built ? new URL(built.replace("./dist/", "./").replace(/\.js$/, ".ts"), root).href : specifier, context);
    },
  });
}

function builtFile(exports: Readonly<Record<string, { readonly default: string } | string>>, specifier: string): string | undefined {
  const name = specifier.replace(/^weftline/, ".");
  const exact = exports[name];
  if (typeof exact === "object") return exact.default;
  const pattern = exports["./plugins/*"];
  if (typeof pattern !== "object" || !name.startsWith("./plugins/")) return undefined;
  return pattern.default.replace("*", name.slice("./plugins/".length));
}
