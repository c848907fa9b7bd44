import type { Principal } from "../database/principals.ts";
import type { Sql } from "../database/sql.ts";
import { hashOf } from "../host/idempotency.ts";
import { insertApprovers, settleApprovers } from "./approvers/rows.ts";
import { messageIdOf, toolCallIdOf } from "./events.ts";
import { json, number, refsIn, text, type ProjectedRun, type Projector, type Projectors } from "./projector.ts";
import { auditCall } from "./tool-audit.ts";
import { wake } from "./wakes.ts";

/** Notes on the message that a call stands in that something changed. */
const touchMessage = (sql: Sql, run: ProjectedRun, c: number, seq: number): Promise<number> =>
  sql.run("update runs_message set seq = ? where id = (select message_id from runs_tool_call where id = ?)", seq, toolCallIdOf(run.id, c));

/** Of the whole: a payload may be without what stands apart. */
function hashOfArguments(args: unknown, { argumentsHash }: Readonly<Record<string, unknown>>): string | null {
  return text(argumentsHash) ?? (args === undefined ? null : hashOf(args));
}

/**
 * A run that waited for it wants a worker now; one that is still at work sees it when it comes to wait. The first resolution counts, should a log
 * have two.
 */
const interruptResolved: Projector<"interrupt.resolved"> = async (sql, run, event, row, effects) => {
  const { payload, seq } = event;
  await effects.row.write(sql, run.id);
  await wake(sql, run.id, effects.wakes);
  await sql.run(
    "update runs_interrupt set status = ?, decision = coalesce(?, decision), seq = ? where id = ? and status = 'PENDING'",
    payload.status,
    json(row.decision),
    seq,
    payload.interrupt,
  );
  Object.assign(event, { approvers: await settleApprovers(sql, payload.interrupt) });
  await sql.run(
    "update runs_message set seq = ? where id = (select c.message_id from runs_tool_call c join runs_interrupt i on i.tool_call_id = c.id where i.id = ?)",
    seq,
    payload.interrupt,
  );
};

/** Tool calls, and what people are asked about them and otherwise. */
export const toolProjectors: Projectors = {
  "tool.requested": async (sql, run, { payload, at, seq }, row) => {
    await sql.run(
      `insert into runs_tool_call (id, tenant_id, owner_id, run_id, num, message_id, part, call_id, name, arguments, arguments_refs, arguments_hash, side_effects, status, attempt, created_at)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'REQUESTED', 0, ?)`,
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
      json(payload.refs?.arguments),
      hashOfArguments(payload.arguments, row),
      text(row.sideEffects),
      at,
    );
    await touchMessage(sql, run, payload.c, seq);
  },
  "tool.arguments": async (sql, run, { payload }, row) => {
    if (payload.arguments === undefined) return;
    await sql.run(
      `update runs_tool_call set arguments = ?, arguments_refs = ?, arguments_hash = ?,
       requested_refs = case when requested_arguments is null and requested_refs is null then ? else requested_refs end,
       requested_arguments = case when requested_arguments is null and requested_refs is null then ? else requested_arguments end where id = ?`,
      json(payload.arguments),
      json(payload.refs?.arguments),
      hashOfArguments(payload.arguments, row),
      refsIn(row, "requested"),
      json(row.requested),
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
      "update runs_tool_call set status = ?, result = ?, result_refs = ?, error = ?, finished_at = ? where id = ?",
      payload.status,
      json(payload.result),
      json(payload.refs?.result),
      payload.error ?? null,
      at,
      toolCallIdOf(run.id, payload.c),
    );
    await auditCall(sql, { callId: toolCallIdOf(run.id, payload.c), run, status: payload.status, at, ms: payload.ms });
    await touchMessage(sql, run, payload.c, seq);
  },

  "interrupt.raised": async (sql, run, event, row) => {
    const { payload, at, seq } = event;
    const c = number(row.c);
    await sql.run(
      `insert into runs_interrupt (id, tenant_id, owner_id, run_id, stream_num, seq, kind, status, tool_call_id, step_id, key, tool_name, arguments, arguments_hash, message, response_schema, allowed, created_at, expires_at)
       values (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${sql.now} + ?)`,
      payload.interrupt,
      run.tenantId,
      run.ownerId,
      run.id,
      run.streamNum,
      seq,
      text(row.kind) ?? "INPUT",
      c === null ? null : toolCallIdOf(run.id, c),
      text(row.step),
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
    // A person says what became of it, whenever that is.
    if (row.kind === "UNCERTAIN" && row.step !== undefined)
      await sql.run("update runs_step set due_at = null where id = ? and due_at is not null", text(row.step));
    const approvers = (row.approvers ?? []) as readonly Principal[];
    await insertApprovers(sql, run, { id: payload.interrupt, at }, approvers);
    Object.assign(event, { approvers, asks: text(row.kind) ?? "INPUT" });
    if (c === null) return;
    await sql.run("update runs_tool_call set status = 'AWAITING_APPROVAL' where id = ?", toolCallIdOf(run.id, c));
    await touchMessage(sql, run, c, seq);
  },
  "interrupt.resolved": interruptResolved,
};
