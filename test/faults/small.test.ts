import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

interface Line {
  readonly case: string;
  readonly ok: boolean;
}

describe("a server under fault", () => {
  it("loses nothing, repeats nothing and leaves nothing open", { timeout: 420_000 }, async () => {
    const run = promisify(execFile)(process.execPath, ["test/faults/run.ts", "--small", "--seed", "7"]);
    const { stdout } = await run.catch((error: unknown) => error as { readonly stdout: string });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    expect(lines.filter(({ ok }) => !ok)).toEqual([]);
    expect(lines.map((line) => line.case).toSorted()).toEqual([
      "cut-clients",
      "failpoints",
      "leak",
      "poison",
      "random-graphs",
      "random-kills",
      "schedules",
      "self-kills",
      "signals",
      "slow-reader",
      "store",
      "zombie",
    ]);
  });
});
