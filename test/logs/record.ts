import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { localId } from "#weftline";
import { asPlatform } from "../../src/core/database/rows.ts";
import { Run, Step } from "../../src/core/runs/entities/run.ts";
import type { WorkflowDefinition } from "../../src/plugins/workflows/definition/types.ts";
import type { TestPlatform } from "../../src/testing/index.ts";
import { folded, type Line } from "./golden.ts";
import { logsPlatform, scenarios } from "./scenarios.ts";

/** `node test/logs/record.ts <date>` records a golden log of each scenario, or of those named behind it, into test/fixtures/logs/<date>. It overwrites none. */
const [date = "", ...names] = process.argv.slice(2);
if (!/^\d{4}-\d\d-\d\d$/.test(date)) throw new Error("Say which date: node test/logs/record.ts 2026-11-30");
const folder = join("test/fixtures/logs", date);
mkdirSync(folder, { recursive: true });
const app = await logsPlatform();
for (const [name, play] of Object.entries(scenarios)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const lines = await linesOf(app, localId("Run", await play(app)) ?? "");
  const write = (file: string, text: string): void => writeFileSync(join(folder, file), text, { flag: "wx" });
  write(`${name}.jsonl`, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  write(`${name}.folded.json`, `${JSON.stringify(await folded(lines), null, 2)}\n`);
}
await app.close();

/** The log of a run's stream, with ids and times that are the same each time. */
async function linesOf({ platform }: TestPlatform, runId: string): Promise<readonly Line[]> {
  const { read, rows } = platform.database;
  const [root] = await rows.byIds(Run, asPlatform, [runId]);
  const runs = await rows.all(Run, asPlatform, { where: "e.root_id = ?", params: [root?.rootId ?? runId], orderBy: "e.start_seq" });
  const numbers = new Map(runs.map(({ id }, index) => [id, index + 1]));
  const bySeq = new Map(runs.map(({ id, startSeq }) => [startSeq, numbers.get(id) ?? 0]));
  const shown = (value: object): Readonly<Record<string, unknown>> =>
    JSON.parse(withPlainIds(JSON.stringify(value), numbers)) as Readonly<Record<string, unknown>>;
  const lines: Line[] = [];
  for (const run of runs) {
    const row = await read.get<{ definition: string }>(
      "select definition from workflows_version where workflow_id = ? and version = ?",
      run.targetId,
      run.targetVersion ?? 0,
    );
    if (row) lines.push({ workflow: JSON.parse(row.definition) as WorkflowDefinition, run: numbers.get(run.id) ?? 0 });
  }
  for (const { id, trigger, input, inputRefs } of runs) {
    const started = Object.fromEntries(Object.entries({ trigger, input, inputRefs }).filter(([, each]) => each != null));
    lines.push({ started: shown(started) as { trigger: Run["trigger"] }, run: numbers.get(id) ?? 0 });
  }
  const values = await read.all<{ run_seq: number; hash: string; refs: string | null; value: string }>(
    "select run_seq, hash, refs, value from runs_value where stream_num = ? order by run_seq, hash",
    root?.streamNum ?? 0,
  );
  for (const { run_seq: seq, hash, refs, value } of values)
    lines.push({ value: { hash, refs, gzip: gzipSync(withPlainIds(value, numbers)).toString("base64") }, run: bySeq.get(seq) ?? 0 });
  const events = await read.all<{ run_seq: number; kind: string; payload: string }>(
    "select run_seq, kind, payload from runs_event where stream_num = ? and run_seq is not null order by seq",
    root?.streamNum ?? 0,
  );
  for (const { run_seq: seq, kind, payload } of events)
    if (bySeq.has(seq)) lines.push({ event: kind, run: bySeq.get(seq) ?? 0, payload: shown(JSON.parse(payload) as object) });
  for (const { id } of runs) {
    for (const step of await rows.all(Step, asPlatform, { where: "e.run_id = ?", params: [id], orderBy: "e.num" })) {
      const { num, key, nodeKey, finishedAt, iteration, attempt, kind, status, output, error, childRunId, input, inputRefs, outputRefs } =
        step;
      const kept = {
        num,
        key,
        finishedAt: finishedAt == null ? null : finishedAt - (root?.createdAt ?? 0),
        nodeKey,
        iteration,
        attempt,
        kind,
        status,
        output,
        error,
        childRunId,
        input,
        inputRefs,
        outputRefs,
      };
      lines.push({
        step: { id: `s${num}`, ...shown(Object.fromEntries(Object.entries(kept).filter(([, each]) => each != null))) },
        run: numbers.get(id) ?? 0,
      });
    }
  }
  return lines;
}

function withPlainIds(text: string, numbers: ReadonlyMap<string, number>): string {
  const known = new Map([...numbers].map(([id, number]) => [id, `run-${number}`]));
  return text.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
    const plain = known.get(id) ?? `id-${known.size + 1}`;
    known.set(id, plain);
    return plain;
  });
}
