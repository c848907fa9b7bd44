import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { cases, report, wholeOnly, type Line } from "./report.ts";

/**
 * `npm run test:faults` runs all cases, or those named, and prints one line of JSON for each. `--small` runs them in seconds, some at a time, and
 * leaves out what has no small version; `--seed <number>` repeats what chance chose; `--report` writes docs/faults.md.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { small: { type: "boolean" }, report: { type: "boolean" }, seed: { type: "string" } },
});
const isLeftOut = (name: string): boolean => values.small === true && wholeOnly.includes(name);
const names = Object.keys(cases).filter((name) => (positionals.length === 0 ? !isLeftOut(name) : positionals.includes(name)));
const waiting = [...names];
const lines: Line[] = [];
await Promise.all(Array.from({ length: values.small ? 3 : 1 }, runSome));
if (values.report) writeFileSync("docs/faults.md", report(lines));
if (lines.length === 0 || lines.some(({ ok }) => !ok)) process.exitCode = 1;

async function runSome(): Promise<void> {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    const line = await runOne(name);
    lines.push(line);
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

function runOne(name: string): Promise<Line> {
  const options = [...(values.small ? ["--small"] : []), ...(values.seed === undefined ? [] : ["--seed", values.seed])];
  const child = spawn(process.execPath, [`test/faults/cases/${name}.ts`, ...options], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => {
    child.once("close", (code) => {
      const last = output.trim().split("\n").at(-1) ?? "";
      resolve(
        last.startsWith("{")
          ? (JSON.parse(last) as Line)
          : { case: name, seed: 0, seconds: 0, error: `it ended with ${code}: ${output}`, ok: false },
      );
    });
  });
}
