import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startVitest, type TestModule } from "vitest/node";

/**
 * Runs the tests whose paths contain one of the arguments, or all of them, and closes with `N passed, N failed`. `--suite <name>` runs
 * one of the suites that `npm test` leaves out.
 */
// Each process would compile the same packages again.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../node_modules/.cache/weftline", import.meta.url));
const { values, positionals } = parseArgs({ allowPositionals: true, options: { suite: { type: "string", default: "node" } } });
// Most of a commit is the wait for a disk, and no test pulls the plug. Installations of gigabytes do not belong in memory.
const memory = "/dev/shm";
const temporary = mkdtempSync(join(values.suite !== "crewai" && hasRoom(memory) ? memory : tmpdir(), "weftline-tests-"));
process.env["TMPDIR"] = temporary;
mkdirSync(join(temporary, "weftline-test-templates"));
const vitest = await startVitest("test", positionals, { watch: false, run: true, project: values.suite });
const counted = count(vitest.state.getTestModules());
const failed = counted.failed + vitest.state.getUnhandledErrors().length;
await vitest.close();
rmSync(temporary, { recursive: true, force: true });
if (failed > 0 || counted.passed === 0) process.exitCode = 1;
process.stdout.write(`${counted.passed} passed, ${failed} failed\n`);

function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 2 ** 31;
}

/** A file that failed outside its tests (it does not load, a hook threw) counts as one failure. */
function count(modules: readonly TestModule[]): { passed: number; failed: number } {
  const sum = { passed: 0, failed: 0 };
  for (const module of modules) {
    const before = sum.failed;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed" || state === "failed") sum[state]++;
    }
    if (module.state() === "failed" && sum.failed === before) sum.failed++;
  }
  return sum;
}
