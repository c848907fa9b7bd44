import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { frameworks } from "./frameworks.ts";

interface FirstRuns {
  readonly runs: readonly { readonly framework: string; readonly status: string; readonly before: string[]; readonly after: string[] }[];
  readonly called: readonly string[];
}

/** What would send traces, or calls to another place, if anybody read it. */
const tempting = {
  LANGSMITH_TRACING: "true",
  LANGCHAIN_TRACING_V2: "true",
  LANGSMITH_API_KEY: "lsv2-none",
  LANGSMITH_GATEWAY: "true",
  OPENAI_API_BASE: "https://example.invalid/v1",
};

describe("the default configuration, where every framework runs once on the simulated model", () => {
  let seen: FirstRuns;
  beforeAll(async () => {
    const { OPENAI_API_KEY: _, OPENAI_BASE_URL: __, ...inherited } = process.env;
    const data = mkdtempSync(join(tmpdir(), "weftline-first-runs-"));
    try {
      const file = fileURLToPath(new URL("./first-runs.ts", import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...inherited, ...tempting, WEFTLINE_DATA: data } });
      seen = JSON.parse(stdout) as FirstRuns;
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  }, 60_000);

  it("has each framework that ships, and each answers", () => {
    expect(seen.runs.map(({ framework }) => framework).toSorted()).toEqual([...frameworks.keys()].toSorted());
    expect(seen.runs.map(({ status }) => status)).toEqual(seen.runs.map(() => "SUCCEEDED"));
  });

  it("connects to this machine alone", () => {
    expect(seen.called).not.toEqual([]);
    expect(seen.called.filter((host) => !["127.0.0.1", "::1", "localhost"].includes(host))).toEqual([]);
  });

  it("loads no SDK at boot, and that of a framework at its first run", () => {
    expect(seen.runs[0]?.before).toEqual([]);
    for (const { framework, before, after } of seen.runs) {
      const own = { openai: "openai", langchain: "langchain", langgraph: "@langchain/langgraph" }[framework];
      if (own === undefined) expect(after, framework).toEqual(before);
      else expect(after, framework).toContain(own);
      if (framework === "openai") expect(after).toEqual(["openai"]);
    }
  });
});
