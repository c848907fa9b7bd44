import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const expectation = /^\s*\/\/ @ts-expect-error (TS\d+): \S/;

interface Line {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

interface Finding {
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

/** A package beside this one, with the same sources and types, whose type tests may be changed. */
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "weftline-types-"));
  for (const name of ["src", "node_modules"]) symlinkSync(join(root, name), join(copy, name));
  cpSync(join(root, "package.json"), join(copy, "package.json"));
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: { typeRoots: [join(root, "node_modules/@types")] },
    include: ["*.ts"],
  };
  writeFileSync(join(copy, "tsconfig.json"), JSON.stringify(config));
});
afterAll(() => rmSync(copy, { recursive: true }));

const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".test-d.ts"));

const lines: readonly Line[] = files.flatMap((file) =>
  readFileSync(join(import.meta.dirname, file), "utf8")
    .split("\n")
    .map((text, at) => ({ file, line: at + 1, text })),
);

/** Compiles the type tests, each line as `change` makes it. */
function compile(change: (line: Line) => string = ({ text }) => text): Finding[] {
  for (const file of files) {
    const changed = lines.filter((line) => line.file === file).map(change);
    writeFileSync(join(copy, file), changed.join("\n"));
  }
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = spawnSync(process.execPath, [tsc, "--noEmit", "--pretty", "false", "-p", copy], { cwd: copy, encoding: "utf8" });
  const found = [...stdout.matchAll(/^(\S+?)\((\d+),\d+\): error (TS\d+)/gm)].map(([, file = "", line, code = ""]) => ({
    file,
    line: Number(line),
    code,
  }));
  // What is wrong in the sources themselves is for `npm run typecheck` to say.
  return found.filter(({ file }) => file.endsWith(".test-d.ts"));
}

// Two compiles of the whole author API: seconds, but minutes where others use the processor.
describe("the author API", { timeout: 180_000 }, () => {
  it("accepts what is right and refuses what is wrong, and would fail here if something wrong were accepted one day", () => {
    writeFileSync(join(copy, "stale.test-d.ts"), "// @ts-expect-error TS2322: this was wrong once.\nexport const accepted: number = 1;\n");
    const found = compile();
    rmSync(join(copy, "stale.test-d.ts"));
    expect(found).toEqual([{ file: "stale.test-d.ts", line: 1, code: "TS2578" }]);
  });

  it("refuses each wrong line for its own reason: nothing is expected that any error would do for", () => {
    const expected = lines.filter(({ text }) => expectation.test(text));
    expect(expected.length).toBeGreaterThan(50);
    expect(lines.filter(({ text }) => text.includes("@ts-expect-error"))).toEqual(expected);
    const found = compile((line) => line.text.replace("@ts-expect-error", ""));
    // The first error at or below an expectation is the one that it stands for.
    const missed = expected.flatMap(({ file, line, text }) => {
      const code = expectation.exec(text)?.[1];
      const next = expected.find((other) => other.file === file && other.line > line)?.line ?? Infinity;
      const here = found.filter((finding) => finding.file === file && finding.line > line && finding.line < next);
      return here.length === 1 && here[0]?.code === code
        ? []
        : [`${file}:${line} ${code}, but ${here.map((finding) => finding.code).join() || "nothing"}`];
    });
    expect(missed).toEqual([]);
    expect(found).toHaveLength(expected.length);
  });
});
