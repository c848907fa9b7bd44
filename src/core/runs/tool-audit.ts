import type { Sql } from "../database/sql.ts";
import type { StoredDecision } from "./entities/message.ts";

/** What of a call its row knows, with the last decision about it. */
const finishedCall = `
  select c.name, c.side_effects, c.arguments_hash, c.attempt, c.created_at, c.started_at, r.target_name,
    (select i.decision from runs_interrupt i where i.tool_call_id = c.id and i.decision is not null order by i.created_at desc limit 1) as decision
  from runs_tool_call c join runs_run r on r.id = c.run_id where c.id = ?`;

interface FinishedCall {
  readonly name: string;
  readonly side_effects: string | null;
  readonly arguments_hash: string | null;
  readonly attempt: number;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly target_name: string;
  readonly decision: string | null;
}

/** A call's end, as the log has it. */
export interface CallEnd {
  readonly callId: string;
  readonly run: {
    readonly id: string;
    readonly tenantId: string;
    readonly ownerId: string;
    readonly targetType: string;
    readonly targetId: string;
  };
  readonly status: string;
  readonly at: number;
  readonly ms: number | undefined;
}

/** Notes a finished call for those who audit, in the transaction that ends it: none is lost, none is there twice. */
export async function auditCall(sql: Sql, { callId, run, status, at, ms }: CallEnd): Promise<void> {
  const call = await sql.get<FinishedCall>(finishedCall, callId);
  if (!call) return;
  const decision = call.decision === null ? undefined : (JSON.parse(call.decision) as StoredDecision);
  await sql.run(
    `insert into runs_tool_call_audit (id, tenant_id, owner_id, run_id, target_type, target_id, target_name, tool, side_effects, arguments_hash,
     status, attempts, decision, decided_by, decided_at, requested_at, started_at, finished_at, ms)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do nothing`,
    callId,
    run.tenantId,
    run.ownerId,
    run.id,
    run.targetType,
    run.targetId,
    call.target_name,
    call.name,
    call.side_effects,
    call.arguments_hash,
    status,
    call.attempt,
    decision?.kind ?? null,
    decision?.by ?? null,
    decision?.at ?? null,
    call.created_at,
    call.started_at,
    at,
    ms ?? null,
  );
}
