#!/usr/bin/env node
// Plain JavaScript for old Nodes too: a clone runs on the Node that it brings along, the package asks for one that is new enough.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldestNode = 24;
const require = createRequire(import.meta.url);
const source = new URL("../src/cli/main.ts", import.meta.url);
const isClone = existsSync(source);

if (["start", "dev", "npx"].includes(process.env.npm_lifecycle_event ?? "")) endWithNpm();
if (Number(process.versions.node.split(".")[0]) >= oldestNode) {
  // Compiled code is kept beside the packages it was made of: it takes a third off the next start.
  module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/weftline", import.meta.url)));
  // The sources where they are at hand, since a build beside them may be out of date.
  await import((isClone ? source : new URL("../dist/src/cli/main.js", import.meta.url)).href);
} else if (isClone) runWith(bundledNode());
else refuse("install it from nodejs.org or with a version manager");

/** A signal to npm ends npm and its shell but not what the shell runs: a server that it was asked to run must not outlive it. */
function endWithNpm() {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
  }, 250).unref();
}

/** The executable of the npm package `node`, or of the platform package that it fetches. */
function bundledNode() {
  const { platform, arch } = process;
  const names = ["node", `node-${platform === "win32" ? "win" : platform}-${arch}`, `node-bin-${platform}-${arch}`];
  for (const name of names) {
    try {
      const manifest = require.resolve(`${name}/package.json`);
      const { bin } = JSON.parse(readFileSync(manifest, "utf8"));
      const file = join(dirname(manifest), typeof bin === "string" ? bin : bin.node);
      if (existsSync(file)) return file;
    } catch {
      // Not installed under this name.
    }
  }
  return undefined;
}

function runWith(node) {
  if (!node) {
    refuse("this clone brings its own, with npm install --include=dev && npm rebuild node");
    return;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 143);
  });
}

function refuse(fix) {
  console.error(`✗ Weftline needs Node ${oldestNode} or newer, and this is ${process.version}: ${fix}.`);
  process.exitCode = 1;
}
