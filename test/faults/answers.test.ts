import Database from "better-sqlite3";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agents, capabilities, langgraph, models, simulated } from "../../src/plugins/index.ts";
import { testPlatform } from "../../src/testing/index.ts";
import type { EventRow } from "./answers.ts";
import { violationsOf } from "./invariants.ts";

const folder = mkdtempSync(join(tmpdir(), "weftline-answers-"));
const whole = join(folder, "weftline.db");

/** A store with one run of a graph that called a tool and then answered. */
beforeAll(async () => {
  await using app = await testPlatform({
    dataDir: folder,
    plugins: [models(), simulated({ tokensPerSecond: 0 }), capabilities(), agents(), langgraph()],
  });
  await app.graphql('mutation { createAgent(input: { name: "A", framework: "langgraph", capabilities: ["time.now"] }) { __typename } }');
  const { startRun } = await app.graphql<{ startRun: { run: { id: string } } }>(
    'mutation { startRun(input: { target: { agent: { name: "A" } }, text: "Use time.now." }) { ... on StartRunPayload { run { id } } } }',
  );
  const events = await app.subscribe("subscription ($id: ID!) { runEvents(run: $id, after: 0) { seq } }", { id: startRun.run.id });
  for await (const _ of events);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Again {
  /** Whether another process took the run up between the answers. */
  readonly lost: boolean;
  /** Whether the checkpoint with the first answer was written before that. */
  readonly kept: boolean;
  /** The key of the step that answers again; that of the first answer by default. */
  readonly step?: string;
}

/** The same store, with the last step of its run done once more. @returns its violations. */
function withAnswerAgain({ lost, kept, step }: Again): string[] {
  const file = join(folder, "again.db");
  copyFileSync(whole, file);
  const db = new Database(file);
  const rows = db.prepare("select * from runs_event order by seq").all() as EventRow[];
  const end = rows.pop() as EventRow;
  const payloadOf = ({ payload }: EventRow) => JSON.parse(payload) as { s?: number; m?: number; parent?: number; stepKind?: string };
  const redone = rows.slice(rows.findLastIndex((row) => payloadOf(row).stepKind === "NODE")).map((row) => {
    const known = payloadOf(row);
    if (Array.isArray(known)) return { ...row, payload: JSON.stringify([known[0] + 100, ...known.slice(1)]) };
    const numbers = (["s", "m", "parent"] as const).flatMap((name) => (known[name] === undefined ? [] : [[name, known[name] + 100]]));
    const moved = known.stepKind === "NODE" && step !== undefined ? { key: step } : {};
    return { ...row, payload: JSON.stringify({ ...known, ...Object.fromEntries(numbers), ...moved }) };
  });
  const resumed = { ...end, kind: "run.resumed", payload: "{}", at: end.at + 10 };
  const more = [...(lost ? [resumed] : []), ...redone.map((row) => ({ ...row, at: end.at + 20 })), { ...end, at: end.at + 20 }].map(
    (row, index) => ({ ...row, seq: end.seq + index }),
  );
  db.prepare("delete from runs_event where seq = ?").run(end.seq);
  const names = Object.keys(end);
  const insert = db.prepare(`insert into runs_event (${names.join(", ")}) values (${names.map((name) => `@${name}`).join(", ")})`);
  for (const row of more) insert.run(row);
  db.prepare("update runs_stream set head = ?").run(more.at(-1)?.seq);
  const last = "num = (select max(num) from runs_checkpoint)";
  if (!kept) db.prepare(`update runs_checkpoint set created_at = ? where ${last}`).run(end.at + 30);
  db.close();
  return violationsOf(file, "end");
}

it("a run that answers once is in order, and so is one that does again what a lost process had not kept", () => {
  expect(violationsOf(whole, "end")).toEqual([]);
  expect(withAnswerAgain({ lost: true, kept: false })).toEqual([]);
});

it.each<[string, Again, string]>([
  ["without a loss", { lost: false, kept: true }, "though no process was lost"],
  ["without a loss, before a checkpoint", { lost: false, kept: false }, "though no process was lost"],
  ["after a loss, though its answer was kept", { lost: true, kept: true }, "though the checkpoint after model/3 had its answer"],
  ["after a loss, in a step of its own", { lost: true, kept: false, step: "model/4" }, "in model/4, after model/3"],
])("a run that answers twice %s is reported", (_, again, why) => {
  expect(withAnswerAgain(again)).toEqual([expect.stringContaining(`it answered again ${why}`)]);
});
