import { plainEntity } from "../database/rows.ts";
import type { Sql, SqlValue } from "../database/sql.ts";
import type { StartRun } from "./contract.ts";
import { Run } from "./entities/run.ts";
import type { PlaceOwner } from "./fair-places.ts";
import type { Appended } from "./log.ts";
import { noUsage } from "./usage.ts";
import type { SharedDocument } from "./values/refs.ts";
import type { RunInput } from "./values/rows.ts";

/** A worker's hold on a run. */
export interface Claim {
  readonly owner: string;
  readonly leaseMs: number;
}

/** Where a new run belongs. */
export interface RunPlace {
  readonly id: string;
  readonly streamNum: number;
  readonly rootId: string;
  readonly parentId: string | null;
  readonly blockedById: string | null;
  readonly regeneratesId: string | null;
}

/** What a run is given, as its row holds it. */
export function givenInput({ input, text }: Pick<StartRun, "input" | "text">): RunInput | null {
  if (input === undefined && text === undefined) return null;
  return { ...(text === undefined ? {} : { text }), ...(input === undefined ? {} : { data: input }) };
}

/** A queued run, with the whole of what it is given. @param appended its `run.queued`, first of what was appended. */
export function newRun({ tenantId, ownerId }: PlaceOwner, request: StartRun, place: RunPlace, { events }: Pick<Appended, "events">): Run {
  const { thread, target } = request;
  const startSeq = events[0]?.seq ?? 0;
  return plainEntity<Run>(Run.prototype, {
    ...place,
    tenantId,
    ownerId,
    startSeq,
    seq: startSeq,
    threadId: thread?.id ?? null,
    retryOfId: request.retryOfId ?? null,
    targetType: request.targetType,
    targetId: target.id,
    targetName: target.name,
    targetVersion: target.version ?? null,
    scheduleId: request.schedule?.id ?? null,
    scheduleTickAt: request.schedule?.tickAt ?? null,
    trigger: request.trigger,
    status: "QUEUED" as const,
    provenance: null,
    input: givenInput(request),
    inputRefs: null,
    output: null,
    outputRefs: null,
    text: null,
    textRefs: null,
    failure: null,
    usage: noUsage,
    limits: request.limits ?? {},
    settings: request.settings ?? { simulated: "allowed" as const },
    metadata: request.metadata ?? null,
    progressDone: null,
    progressTotal: null,
    cancelReason: null,
    epoch: 0,
    wakes: 0,
    pauseRequested: 0,
    takeovers: 0,
    leaseOwner: null,
    leaseUntil: null,
    deadlineAt: null,
    createdAt: events[0]?.at ?? 0,
    startedAt: null,
    finishedAt: null,
  });
}

/** How a new run is written. */
export interface RunInsert {
  readonly claim?: Claim | undefined;
  /** It ends no later than this; in milliseconds since 1970. */
  readonly latest?: number | null;
  /** Its input, as far as that stands in its row. */
  readonly given: SharedDocument;
}

/** Writes the row of a new run. The times come from the store's clock: when it is due, and until when. */
export async function insertRun(sql: Sql, run: Run, { claim, latest = null, given }: RunInsert): Promise<void> {
  run.epoch = claim ? 1 : 0;
  run.leaseOwner = claim?.owner ?? null;
  const row: Record<string, SqlValue> = {
    id: run.id,
    tenant_id: run.tenantId,
    owner_id: run.ownerId,
    stream_num: run.streamNum,
    start_seq: run.startSeq,
    seq: run.seq,
    thread_id: run.threadId ?? null,
    root_id: run.rootId,
    parent_id: run.parentId ?? null,
    retry_of_id: run.retryOfId ?? null,
    blocked_by_id: run.blockedById ?? null,
    regenerates_id: run.regeneratesId ?? null,
    target_type: run.targetType,
    target_id: run.targetId,
    target_name: run.targetName,
    target_version: run.targetVersion ?? null,
    schedule_id: run.scheduleId ?? null,
    schedule_tick_at: run.scheduleTickAt ?? null,
    trigger: run.trigger,
    status: run.status,
    input: given.document === null ? null : JSON.stringify(given.document),
    input_refs: given.refs === undefined ? null : JSON.stringify(given.refs),
    limits: JSON.stringify(run.limits),
    settings: JSON.stringify(run.settings),
    metadata: run.metadata == null ? null : JSON.stringify(run.metadata),
    usage: JSON.stringify(run.usage),
    epoch: run.epoch,
    lease_owner: run.leaseOwner,
    takeovers: 0,
    created_at: run.createdAt,
  };
  const { deadlineMs } = run.limits;
  const due = run.blockedById == null && !claim ? sql.now : "null";
  const lease = claim ? `${sql.now} + ${claim.leaseMs}` : "null";
  const own = deadlineMs === undefined ? undefined : `${sql.now} + ${Math.round(deadlineMs)}`;
  const deadline = latest === null ? (own ?? "null") : own === undefined ? `${latest}` : `min(${own}, ${latest})`;
  const names = Object.keys(row);
  const stored = await sql.get<{ deadline_at: number | null }>(
    `insert into runs_run (${names.map((name) => `"${name}"`).join(", ")}, due_at, lease_until, deadline_at)
     values (${names.map(() => "?").join(", ")}, ${due}, ${lease}, ${deadline}) returning deadline_at`,
    ...Object.values(row),
  );
  run.deadlineAt = stored?.deadline_at ?? null;
}
