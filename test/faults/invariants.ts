import Database from "better-sqlite3";
import { createGrammar } from "../../src/core/runs/grammar.ts";
import { isTerminal, type RunStatus } from "../../src/core/runs/types.ts";
import { memoryViolations } from "./memory-invariants.ts";
import { workflowViolations, type WorkflowRunRow } from "./workflow-invariants.ts";
import { answeredAgain, type CheckpointRow, type EventRow } from "./answers.ts";

interface RunRow extends WorkflowRunRow {
  readonly status: RunStatus;
  readonly lease_owner: string | null;
}

/** When the store is looked at: at the end nothing may be left open; in between only what is durable must be in order. */
export type Moment = "between" | "end";

/** What is wrong with a store, in words; empty where every invariant holds. */
export function violationsOf(file: string, moment: Moment): string[] {
  const db = new Database(file, { readonly: true });
  try {
    const check = db.pragma("integrity_check", { simple: true });
    const found = check === "ok" ? [] : [`the file is damaged: ${String(check)}`];
    for (const stream of db.prepare("select num, head, horizon from runs_stream").all() as {
      num: number;
      head: number;
      horizon: number;
    }[]) {
      const rows = db
        .prepare("select seq, at, run_seq, kind, payload from runs_event where stream_num = ? order by seq")
        .all(stream.num) as EventRow[];
      found.push(...gapsIn(stream, rows));
      const runs = db
        .prepare("select id, start_seq, status, lease_owner, target_type, target_id, target_version from runs_run where stream_num = ?")
        .all(stream.num) as RunRow[];
      for (const run of runs) {
        found.push(...violationsOfRun(run, rows, moment, stream.horizon), ...workflowViolations(db, run, rows));
        const own = rows.filter(({ run_seq }) => run_seq === run.start_seq);
        if (moment === "end" && run.status === "SUCCEEDED") found.push(...answeredAgain(run, own, checkpointsOf(db, run)));
      }
    }
    if (moment === "end") found.push(...leftOpen(db));
    found.push(...sideEffects(db), ...repeatedCalls(db), ...messagesUnlikeLog(db), ...memoryViolations(db));
    return found;
  } finally {
    db.close();
  }
}

function gapsIn({ num, head, horizon }: { num: number; head: number; horizon: number }, rows: readonly EventRow[]): string[] {
  const kept = rows.filter(({ seq }) => seq > horizon).map(({ seq }) => seq);
  const dense = kept.every((seq, index) => seq === horizon + 1 + index) && kept.length === Math.max(0, head - horizon);
  return dense ? [] : [`stream ${num} has a gap or a repeat between ${horizon} and ${head}`];
}

/** What a worker had under way when a cancel came may stand after it. */
const underWay = /^run\.(started|resumed|waiting|finished)$/;

/** The log of a run is one that the grammar allows, and its row says the same. */
function violationsOfRun(run: RunRow, rows: readonly EventRow[], moment: Moment, horizon: number): string[] {
  const found: string[] = [];
  const grammar = createGrammar();
  const own = rows.filter(({ run_seq }) => run_seq === run.start_seq);
  let cancelling = false;
  for (const { seq, kind, payload } of own) {
    const event = { kind, payload: JSON.parse(payload) as unknown };
    cancelling ||= kind === "run.cancelling";
    if (cancelling && underWay.test(kind)) {
      grammar.replay([event]);
      continue;
    }
    try {
      grammar.check(event);
    } catch (error) {
      if (seq > horizon) found.push(`run ${run.id}, seq ${seq}: ${error instanceof Error ? error.message : String(error)}`);
      grammar.replay([event]);
    }
  }
  const terminal = own.filter(({ kind }) => /^run\.(finished|failed|cancelled|expired)$/.test(kind));
  if (terminal.length !== (isTerminal(run.status) ? 1 : 0)) found.push(`run ${run.id} is ${run.status} and has ${terminal.length} ends`);
  if (moment === "between") return found;
  if (!isTerminal(run.status))
    found.push(`run ${run.id} is ${run.status} at the end${run.lease_owner === null ? ", without a lease" : ""}`);
  return found;
}

/** Checkpoints of a run's own graph, by the step of LangGraph that each was written after. */
function checkpointsOf(db: Database.Database, { id }: RunRow): CheckpointRow[] {
  return db
    .prepare("select json_extract(data, '$.metadata.step') as step, created_at from runs_checkpoint where run_id = ? and namespace = ''")
    .all(id) as CheckpointRow[];
}

const mustBeEmpty: Readonly<Record<string, string>> = {
  "messages that still stream": "select id from runs_message where status = 'STREAMING'",
  "steps that still run": "select id from runs_step where status in ('RUNNING', 'WAITING')",
  "tool calls without an end": "select id from runs_tool_call where status in ('REQUESTED', 'AWAITING_APPROVAL', 'RUNNING')",
  "interrupts that wait": "select id from runs_interrupt where status = 'PENDING'",
  "leases that are held": "select id from runs_run where lease_owner is not null",
};

function leftOpen(db: Database.Database): string[] {
  return Object.entries(mustBeEmpty).flatMap(([what, sql]) => {
    const { length } = db.prepare(sql).all();
    return length === 0 ? [] : [`${length} ${what}`];
  });
}

/** A message is sent at most once a call, and never more often than a person allowed. */
function sideEffects(db: Database.Database): string[] {
  if (!db.prepare("select 1 from sqlite_master where name = 'capabilities_outbox'").get()) return [];
  const rows = db
    .prepare(
      `select o.run_id, count(*) as sent,
       (select count(*) from runs_interrupt i where i.run_id = o.run_id and json_extract(i.decision, '$.kind') = 'APPROVE') as allowed,
       (select count(*) from runs_tool_call c where c.run_id = o.run_id and c.name = 'message.send') as calls
       from capabilities_outbox o group by o.run_id`,
    )
    .all() as { run_id: string; sent: number; allowed: number; calls: number }[];
  return rows.flatMap(({ run_id, sent, allowed, calls }) =>
    sent > allowed || sent > calls ? [`run ${run_id} sent ${sent} messages by ${calls} calls and ${allowed} approvals`] : [],
  );
}

/** Tools that must not run again after a loss, unless a person says so. */
const once = ["message.send", "faults.pay", "faults.refund", "rig.pay", "rig.refund"];

/** A call of a tool that is not idempotent is made again only as often as a person approved of that, after a loss. */
function repeatedCalls(db: Database.Database): string[] {
  const rows = db
    .prepare(
      `select c.id, c.name, c.attempt, (select count(*) from runs_interrupt i where i.tool_call_id = c.id and i.kind = 'UNCERTAIN'
       and json_extract(i.decision, '$.kind') = 'APPROVE') as approved from runs_tool_call c where c.attempt > 1`,
    )
    .all() as { id: string; name: string; attempt: number; approved: number }[];
  return rows.flatMap(({ id, name, attempt, approved }) =>
    once.includes(name) && attempt > 1 + approved
      ? [`call ${id} of ${name} was made ${attempt} times and approved again ${approved} times`]
      : [],
  );
}

/** What a message's deltas say, put together, is what its row says. */
function messagesUnlikeLog(db: Database.Database): string[] {
  const rows = db
    .prepare(
      `select m.id, json_extract(e.payload, '$.text') as text, m.parts from runs_message m join runs_run r on r.id = m.run_id
       join runs_event e on e.stream_num = m.stream_num and e.run_seq = r.start_seq and e.kind = 'message.finished'
       and m.id = r.id || '.' || json_extract(e.payload, '$.m')`,
    )
    .all() as { id: string; text: string; parts: string }[];
  return rows.flatMap(({ id, text, parts }) => {
    const stored = (JSON.parse(parts) as { type: string; text?: string }[])
      .map((part) => (part.type === "text" ? (part.text ?? "") : ""))
      .join("");
    return stored === text ? [] : [`message ${id} says other words than its last event`];
  });
}
