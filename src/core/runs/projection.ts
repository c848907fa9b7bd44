import type { Sql } from "../database/sql.ts";
import type { StoredPart } from "./entities/message.ts";
import { messageIdOf, statusOfKind, type EventKind, type LoggedEvent } from "./events.ts";
import { WholeSteps, nextStepDue, stepProjectors } from "./projection-steps.ts";
import { insertUsage } from "./metering/ledger.ts";
import { insertSignal } from "./signals/rows.ts";
import { toolProjectors } from "./projection-tools.ts";
import { RunRow } from "./run-row.ts";
import {
  json,
  number,
  refsIn,
  text,
  type Effects,
  type ProjectedRun,
  type Projector,
  type Projectors,
  type RunEventDraft,
  type StartedRun,
} from "./projector.ts";
import { noteEnd } from "./metering/run-sums.ts";
import { unblock } from "./thread-queue.ts";
import { wake } from "./wakes.ts";

/** A cancel that came while the turn began still stands: were it forgotten here, a process lost now would take it along. */
const status: Projector<"run.started" | "run.resumed"> = async (_, __, event, ___, { row }) => {
  row
    .set("seq", event.seq)
    .setTo("status", "case when status = 'CANCELLING' then status else ? end", statusOfKind[event.kind] ?? "RUNNING");
  if (!row.has("started_at")) row.setTo("started_at", "coalesce(started_at, ?)", event.at);
};

const terminal: Projector<"run.finished" | "run.failed" | "run.cancelled" | "run.expired"> = async (sql, run, event, extra, effects) => {
  const { payload } = event;
  if ("refs" in payload && payload.refs?.output) effects.row.set("output_refs", json(payload.refs.output));
  if (extra.refs !== undefined) effects.row.set("text_refs", refsIn(extra, "text"));
  effects.row
    .set("seq", event.seq)
    .set("status", statusOfKind[event.kind] ?? "FAILED")
    .set("finished_at", event.at)
    .set("output", "output" in payload ? json(payload.output) : null)
    .set("text", text(extra.text))
    .set("failure", "failure" in payload ? json(payload.failure) : null)
    .set("usage", json(payload.usage));
  if (payload.provenance !== undefined) effects.row.set("provenance", payload.provenance);
  for (const column of ["lease_owner", "lease_until", "due_at", "blocked_by_id"]) effects.row.setTo(column, "null");
  effects.metered.push({ kind: "ended", run });
  await noteEnd(sql, run.id);
  for (const id of await unblock(sql, run.id)) effects.wakes.due.add(id);
  if (run.parentId !== null) await wake(sql, run.parentId, effects.wakes);
};

/** An answer that is given anew takes the place of the old one. */
async function supersede(sql: Sql, run: ProjectedRun, m: number, oldRunId: string | null, seq: number): Promise<void> {
  if (oldRunId === null) return;
  await sql.run(
    `update runs_message set superseded_by_id = ?, seq = ? where role = 'ASSISTANT' and superseded_by_id is null and run_id <> ?
     and run_id in (select id from runs_run where id = ? or regenerates_id = ?)`,
    messageIdOf(run.id, m),
    seq,
    run.id,
    oldRunId,
    oldRunId,
  );
}

const projectors: Projectors = {
  "run.started": status as unknown as Projector<"run.started">,
  "run.resumed": status as unknown as Projector<"run.resumed">,
  "run.waiting": async (sql, run, { seq }, { seen, dueSeen }, effects) => {
    await effects.row.write(sql, run.id);
    // A decision, a pause or a cancel may have come first: then the run wants a worker again at once. A turn that came here took no process down.
    const row = await sql.get<{ ms: number | null }>(
      `update runs_run set seq = ?, lease_owner = null, lease_until = null, takeovers = 0,
       due_at = case when status = 'CANCELLING' or wakes > ? or pause_requested = 1 then ${sql.now} else ${nextStepDue} end,
       status = case when status = 'CANCELLING' then status else 'WAITING' end where id = ? returning due_at - ${sql.now} as ms`,
      seq,
      number(seen) ?? 0,
      number(dueSeen) ?? 0,
      run.id,
    );
    effects.wakes.note(run.id, row?.ms);
    effects.metered.push({ kind: "rests", run });
  },
  "run.paused": async (sql, run, { seq }, _, effects) => {
    await effects.row.write(sql, run.id);
    // A cancel may have come first, or the pause may have been taken back.
    const row = await sql.get<{ ms: number | null }>(
      `update runs_run set seq = ?, lease_owner = null, lease_until = null, takeovers = 0, pause_requested = 0,
       due_at = case when status = 'CANCELLING' or (lease_owner is not null and pause_requested = 0) then ${sql.now} end,
       status = case when status = 'CANCELLING' then status else 'PAUSED' end where id = ? returning due_at - ${sql.now} as ms`,
      seq,
      run.id,
    );
    effects.wakes.note(run.id, row?.ms);
    effects.metered.push({ kind: "rests", run });
  },
  "run.cancelling": async (_, __, { payload, seq }, ___, { row }) =>
    row
      .set("seq", seq)
      .set("status", "CANCELLING")
      .set("cancel_reason", payload.reason ?? null),
  "run.finished": terminal as Projector<"run.finished">,
  "run.failed": terminal as Projector<"run.failed">,
  "run.cancelled": terminal as Projector<"run.cancelled">,
  "run.expired": terminal as Projector<"run.expired">,

  ...stepProjectors,

  "message.started": async (sql, run, { payload, seq, at }, row) => {
    await supersede(sql, run, payload.m, text(row.supersedesRun), seq);
    await sql.run(
      `insert into runs_message (id, tenant_id, owner_id, stream_num, start_seq, turn_seq, seq, thread_id, run_id, role, status, parts, agent_id, agent_name, provenance,
        summarizes_turn_seq, created_at)
       values (?, ?, ?, ?, ?, coalesce((select start_seq from runs_run where id = ?), ?), ?, ?, ?, ?, 'STREAMING', '[]', ?, ?, ?, ?, ?)`,
      messageIdOf(run.id, payload.m),
      run.tenantId,
      run.ownerId,
      run.streamNum,
      seq,
      run.id,
      seq,
      seq,
      run.threadId,
      run.id,
      payload.role,
      run.targetType === "Agent" ? run.targetId : null,
      payload.agent ?? null,
      text(row.provenance),
      number(row.summarizes) ?? null,
      at,
    );
  },
  "message.finished": (sql, run, { payload, seq }, row) =>
    sql.run(
      "update runs_message set status = ?, parts = ?, native = ?, superseded_by_id = ?, seq = ? where id = ?",
      payload.status,
      JSON.stringify((row.parts as readonly StoredPart[] | undefined) ?? []),
      json(row.native),
      payload.supersededBy ?? null,
      seq,
      messageIdOf(run.id, payload.m),
    ),

  ...toolProjectors,

  "signal.received": async (sql, run, event, _, effects) => {
    await effects.row.write(sql, run.id);
    await insertSignal(sql, run.id, event);
    await wake(sql, run.id, effects.wakes);
  },

  "usage.recorded": async (sql, run, event, row, effects) => {
    await insertUsage(sql, run, event, row);
    effects.metered.push({ kind: "called", run, call: text(row.call) ?? undefined, usage: event.payload });
    effects.row.set("seq", event.seq).set("usage", json(row.total));
  },
  progress: async (_, __, { payload, seq }, ___, { row }) =>
    row
      .set("seq", seq)
      .set("progress_done", payload.done)
      .set("progress_total", payload.total ?? null),
};

/**
 * Folds the events of one append into the rows that queries read, within the appending transaction.
 *
 * @param effects collects the runs for which something changes once the events are durable, and rows that the caller is to write behind them.
 * @returns the runs that the events started.
 */
export async function project(
  sql: Sql,
  run: ProjectedRun,
  events: readonly LoggedEvent[],
  drafts: readonly RunEventDraft[],
  { wakes, steps, metered = [] }: Pick<Effects, "wakes" | "steps"> & Partial<Pick<Effects, "metered">>,
): Promise<readonly StartedRun[]> {
  const effects: Effects = { wakes, steps, metered, row: new RunRow(), started: [] };
  const whole = new WholeSteps(run, events, drafts);
  for (const [index, event] of events.entries()) {
    if (whole.take(index, events, drafts, effects)) continue;
    const projector = projectors[event.kind as EventKind] as Projector<EventKind> | undefined;
    await projector?.(sql, run, event as never, drafts[index]?.row ?? {}, effects);
  }
  await effects.row.write(sql, run.id);
  return effects.started;
}
