import type { Sql } from "../database/sql.ts";
import type { StoredPart } from "./entities/message.ts";
import { messageIdOf, statusOfKind, stepIdOf, type EventKind, type LoggedEvent } from "./events.ts";
import { toolProjectors } from "./projection-tools.ts";
import { json, number, text, type Effects, type ProjectedRun, type Projector, type Projectors, type RunEventDraft } from "./projector.ts";

/** A cancel that came while the turn began still stands: were it forgotten here, a process lost now would take it along. */
const status: Projector<"run.started" | "run.resumed"> = (sql, run, event) =>
  sql.run(
    "update runs_run set seq = ?, status = case when status = 'CANCELLING' then status else ? end, started_at = coalesce(started_at, ?) where id = ?",
    event.seq,
    statusOfKind[event.kind] ?? "RUNNING",
    event.at,
    run.id,
  );

const terminal: Projector<"run.finished" | "run.failed" | "run.cancelled" | "run.expired"> = async (sql, run, event, row, effects) => {
  const { payload } = event;
  await sql.run(
    `update runs_run set seq = ?, status = ?, finished_at = ?, provenance = coalesce(?, provenance), output = ?, text = ?, failure = ?, usage = ?,
     lease_owner = null, lease_until = null, due_at = null, blocked_by_id = null where id = ?`,
    event.seq,
    statusOfKind[event.kind] ?? "FAILED",
    event.at,
    payload.provenance ?? null,
    "output" in payload ? json(payload.output) : null,
    text(row.text),
    "failure" in payload ? json(payload.failure) : null,
    json(payload.usage),
    run.id,
  );
  const unblocked = await sql.all<{ id: string }>(
    `update runs_run set blocked_by_id = null, due_at = ${sql.now} where blocked_by_id = ? and status = 'QUEUED' returning id`,
    run.id,
  );
  for (const { id } of unblocked) effects.ring.add(id);
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
  "run.waiting": async (sql, run, { seq }, _row, effects) => {
    // A decision or a cancel may have come first: then the run wants a worker again at once.
    const row = await sql.get<{ due_at: number | null }>(
      `update runs_run set seq = ?, lease_owner = null, lease_until = null,
       due_at = case when status = 'CANCELLING' or not exists (select 1 from runs_interrupt where run_id = runs_run.id and status = 'PENDING') then ${sql.now} end,
       status = case when status = 'CANCELLING' then status else 'WAITING' end where id = ? returning due_at`,
      seq,
      run.id,
    );
    if (row?.due_at != null) effects.ring.add(run.id);
  },
  "run.cancelling": (sql, run, { payload, seq }) =>
    sql.run("update runs_run set seq = ?, status = 'CANCELLING', cancel_reason = ? where id = ?", seq, payload.reason ?? null, run.id),
  "run.finished": terminal as Projector<"run.finished">,
  "run.failed": terminal as Projector<"run.failed">,
  "run.cancelled": terminal as Projector<"run.cancelled">,
  "run.expired": terminal as Projector<"run.expired">,

  "step.started": async (sql, run, { payload, at }, row) => {
    const provenance = text(row.provenance);
    await sql.run(
      `insert into runs_step (id, tenant_id, owner_id, run_id, num, key, name, kind, status, attempt, parent_id, provenance, input, started_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, 'RUNNING', ?, ?, ?, ?, ?)`,
      stepIdOf(run.id, payload.s),
      run.tenantId,
      run.ownerId,
      run.id,
      payload.s,
      payload.key,
      payload.name,
      payload.stepKind,
      payload.attempt,
      payload.parent === undefined ? null : stepIdOf(run.id, payload.parent),
      provenance,
      json(row.input),
      at,
    );
    if (payload.stepKind === "MODEL" && provenance !== null) {
      await sql.run(
        "update runs_run set provenance = ? where id = ? and (provenance is null or provenance <> 'SIMULATED')",
        provenance,
        run.id,
      );
    }
  },
  "step.finished": (sql, run, { payload, at }, row) =>
    sql.run(
      "update runs_step set status = ?, error = ?, output = ?, finished_at = ? where id = ?",
      payload.status,
      payload.error ?? null,
      json(row.output),
      at,
      stepIdOf(run.id, payload.s),
    ),

  "message.started": async (sql, run, { payload, seq, at }, row) => {
    await supersede(sql, run, payload.m, text(row.supersedesRun), seq);
    await sql.run(
      `insert into runs_message (id, tenant_id, owner_id, stream_num, start_seq, turn_seq, seq, thread_id, run_id, role, status, parts, agent_id, agent_name, provenance, created_at)
       values (?, ?, ?, ?, ?, coalesce((select start_seq from runs_run where id = ?), ?), ?, ?, ?, ?, 'STREAMING', '[]', ?, ?, ?, ?)`,
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
      at,
    );
  },
  "message.finished": (sql, run, { payload, seq }, row) =>
    sql.run(
      "update runs_message set status = ?, parts = ?, superseded_by_id = ?, seq = ? where id = ?",
      payload.status,
      JSON.stringify((row.parts as readonly StoredPart[] | undefined) ?? []),
      payload.supersededBy ?? null,
      seq,
      messageIdOf(run.id, payload.m),
    ),

  ...toolProjectors,

  "usage.recorded": async (sql, run, { payload, at, seq }, row) => {
    await sql.run(
      `insert into runs_usage (id, tenant_id, owner_id, run_id, step_id, target_id, provider, model, provenance, input_tokens, output_tokens, cached_input_tokens, reasoning_tokens, estimated, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      `${run.id}.u${number(row.num) ?? 0}`,
      run.tenantId,
      run.ownerId,
      run.id,
      payload.s === undefined ? null : stepIdOf(run.id, payload.s),
      run.targetId,
      payload.provider,
      payload.model,
      text(row.provenance) ?? "LIVE",
      payload.inputTokens,
      payload.outputTokens,
      payload.cachedInputTokens ?? null,
      payload.reasoningTokens ?? null,
      payload.estimated === true ? 1 : 0,
      at,
    );
    await sql.run("update runs_run set seq = ?, usage = ? where id = ?", seq, json(row.total), run.id);
  },
  progress: (sql, run, { payload, seq }) =>
    sql.run(
      "update runs_run set seq = ?, progress_done = ?, progress_total = ? where id = ?",
      seq,
      payload.done,
      payload.total ?? null,
      run.id,
    ),
};

/** Folds one appended event into the rows that queries read, within the appending transaction. */
export async function project(sql: Sql, run: ProjectedRun, event: LoggedEvent, draft: RunEventDraft, effects: Effects): Promise<void> {
  const projector = projectors[event.kind as EventKind] as Projector<EventKind> | undefined;
  await projector?.(sql, run, event as never, draft.row ?? {}, effects);
}
