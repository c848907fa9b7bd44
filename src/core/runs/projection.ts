import { hashOf } from "../host/idempotency.ts";
import type { Sql } from "../database/sql.ts";
import type { StoredPart } from "./entities/message.ts";
import {
  messageIdOf,
  statusOfKind,
  stepIdOf,
  toolCallIdOf,
  type EventKind,
  type EventPayloads,
  type LoggedEvent,
  type NewEvent,
} from "./events.ts";
import { auditCall } from "./tool-audit.ts";
import { isTerminal } from "./types.ts";

/** What a projection needs to know of the run whose events it folds into rows. */
export interface ProjectedRun {
  readonly id: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly streamNum: number;
  readonly threadId: string | null;
  readonly targetType: string;
  readonly targetId: string;
}

/** An event of a run with what only its row keeps, not the log. */
export interface RunEventDraft extends NewEvent {
  readonly row?: Readonly<Record<string, unknown>>;
}

/** Something that follows from the events once they are durable. */
export interface Effects {
  /** Runs that want a worker now. */
  readonly ring: Set<string>;
}

type Projector<Kind extends EventKind> = (
  sql: Sql,
  run: ProjectedRun,
  event: LoggedEvent<EventPayloads[Kind]>,
  row: Readonly<Record<string, unknown>>,
  effects: Effects,
) => Promise<unknown>;

const json = (value: unknown): string | null => (value === undefined || value === null ? null : JSON.stringify(value));
const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
const number = (value: unknown): number | null => (typeof value === "number" ? value : null);

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

/** Notes on the message that a call stands in that something changed. */
const touchMessage = (sql: Sql, run: ProjectedRun, c: number, seq: number): Promise<number> =>
  sql.run("update runs_message set seq = ? where id = (select message_id from runs_tool_call where id = ?)", seq, toolCallIdOf(run.id, c));

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

/**
 * A run that waited for it wants a worker now; one that is still at work sees it when it comes to wait. The first resolution counts: a run that
 * ends cancels what it found pending, and a decision may have come since.
 */
const interruptResolved: Projector<"interrupt.resolved"> = async (sql, run, { payload, seq }, row, effects) => {
  const due = await sql.run(`update runs_run set due_at = ${sql.now} where id = ? and status = 'WAITING'`, run.id);
  if (due > 0) effects.ring.add(run.id);
  await sql.run(
    "update runs_interrupt set status = ?, decision = coalesce(?, decision), seq = ? where id = ? and status = 'PENDING'",
    payload.status,
    json(row.decision),
    seq,
    payload.interrupt,
  );
  await sql.run(
    "update runs_message set seq = ? where id = (select c.message_id from runs_tool_call c join runs_interrupt i on i.tool_call_id = c.id where i.id = ?)",
    seq,
    payload.interrupt,
  );
};

const projectors: { readonly [Kind in EventKind]?: Projector<Kind> } = {
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
      `insert into runs_message (id, tenant_id, owner_id, stream_num, start_seq, seq, thread_id, run_id, role, status, parts, agent_id, agent_name, provenance, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'STREAMING', '[]', ?, ?, ?, ?)`,
      messageIdOf(run.id, payload.m),
      run.tenantId,
      run.ownerId,
      run.streamNum,
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

  "tool.requested": async (sql, run, { payload, at, seq }, row) => {
    await sql.run(
      `insert into runs_tool_call (id, tenant_id, owner_id, run_id, num, message_id, part, call_id, name, arguments, arguments_hash, side_effects, status, attempt, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'REQUESTED', 0, ?)`,
      toolCallIdOf(run.id, payload.c),
      run.tenantId,
      run.ownerId,
      run.id,
      payload.c,
      payload.m === undefined ? null : messageIdOf(run.id, payload.m),
      payload.part ?? null,
      text(row.callId) ?? "",
      payload.name,
      json(payload.arguments),
      payload.arguments === undefined ? null : hashOf(payload.arguments),
      text(row.sideEffects),
      at,
    );
    await touchMessage(sql, run, payload.c, seq);
  },
  "tool.arguments": async (sql, run, { payload }) => {
    if (payload.arguments === undefined) return;
    await sql.run(
      "update runs_tool_call set arguments = ?, arguments_hash = ? where id = ?",
      json(payload.arguments),
      hashOf(payload.arguments),
      toolCallIdOf(run.id, payload.c),
    );
  },
  "tool.started": async (sql, run, { payload, at, seq }) => {
    await sql.run(
      "update runs_tool_call set status = 'RUNNING', attempt = ?, started_at = ? where id = ?",
      payload.attempt,
      at,
      toolCallIdOf(run.id, payload.c),
    );
    await touchMessage(sql, run, payload.c, seq);
  },
  "tool.finished": async (sql, run, { payload, at, seq }) => {
    await sql.run(
      "update runs_tool_call set status = ?, result = ?, error = ?, finished_at = ? where id = ?",
      payload.status,
      json(payload.result),
      payload.error ?? null,
      at,
      toolCallIdOf(run.id, payload.c),
    );
    await auditCall(sql, { callId: toolCallIdOf(run.id, payload.c), run, status: payload.status, at, ms: payload.ms });
    await touchMessage(sql, run, payload.c, seq);
  },

  "interrupt.raised": async (sql, run, { payload, at, seq }, row) => {
    const c = number(row.c);
    await sql.run(
      `insert into runs_interrupt (id, tenant_id, owner_id, run_id, stream_num, seq, kind, status, tool_call_id, key, tool_name, arguments, arguments_hash, message, response_schema, allowed, created_at, expires_at)
       values (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?, ?, ?, ?, ?, ?, ?, ?, ?, ${sql.now} + ?)`,
      payload.interrupt,
      run.tenantId,
      run.ownerId,
      run.id,
      run.streamNum,
      seq,
      text(row.kind) ?? "INPUT",
      c === null ? null : toolCallIdOf(run.id, c),
      text(row.key),
      text(row.toolName),
      json(row.arguments),
      row.arguments === undefined ? null : hashOf(row.arguments),
      text(row.message) ?? "",
      json(row.responseSchema),
      JSON.stringify(row.allowed ?? []),
      at,
      number(row.expiresInMs),
    );
    if (c === null) return;
    await sql.run("update runs_tool_call set status = 'AWAITING_APPROVAL' where id = ?", toolCallIdOf(run.id, c));
    await touchMessage(sql, run, c, seq);
  },
  "interrupt.resolved": interruptResolved,

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

/** Whether an event of this kind ends its run. */
export function endsRun(kind: string): boolean {
  const next = statusOfKind[kind];
  return next !== undefined && isTerminal(next);
}
