import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The package as npm would lay it down, built from these sources. */
export interface Package extends Disposable {
  /** Starts it, with the configuration that it brings. */
  readonly weftline: readonly string[];
}

const root = join(import.meta.dirname, "..");

/** Builds the package and lays it into a folder of its own, with the libraries that are installed here. */
export function layPackage(): Package {
  execFileSync(process.execPath, [join(root, "build/run.ts")], { cwd: root, stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "weftline-package-"));
  for (const part of ["bin", "dist", "package.json"]) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return {
    weftline: [join(folder, "bin/weftline.js"), "--config", join(folder, "dist/plugins.config.js")],
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
