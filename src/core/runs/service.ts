import { v7 as newId } from "uuid";
import type { Tx } from "../database/database.ts";
import { WeftlineError } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { appendSignal, publishChanges, type AppendHost } from "./append.ts";
import type { Decide, RunService, StartRun } from "./contract.ts";
import { decideInterrupt, type DecisionHost } from "./decide.ts";
import type { Interrupt } from "./entities/message.ts";
import { Run, type RunSettings } from "./entities/run.ts";
import { event } from "./events.ts";
import { appendEvents } from "./log.ts";
import type { ProjectedRun, RunEventDraft } from "./projection.ts";
import { noUsage } from "./session.ts";
import { openStream } from "./streams.ts";
import { isTerminal, type OnBusy, type RunStatus } from "./types.ts";

/** What the service needs beyond the log. */
export interface ServiceHost extends AppendHost, DecisionHost {
  /** A run at work should stop. */
  nudge(runId: string, reason: string | undefined): void;
}

/** A run's row as the service reads it inside a transaction. */
interface OpenRun {
  readonly id: string;
  readonly status: RunStatus;
  readonly lease_owner: string | null;
  readonly stream_num: number;
  readonly start_seq: number;
  readonly tenant_id: string;
  readonly owner_id: string;
  readonly thread_id: string | null;
  readonly target_type: string;
  readonly target_id: string;
}

const openStatuses = "('QUEUED', 'RUNNING', 'WAITING', 'PAUSED', 'CANCELLING')";
const openColumns = "id, status, lease_owner, stream_num, start_seq, tenant_id, owner_id, thread_id, target_type, target_id";

export function createRunService(host: ServiceHost): RunService {
  return {
    start: (scope, tx, request) => startRun(host, scope, tx, request),
    cancel: (scope, runId, reason) => cancelRun(host, scope, runId, reason),
    cancelIn: (tx, run, reason) => cancelTree(host, tx, run.id, reason),
    retry: (scope, tx, runId) => retryRun(host, scope, tx, runId),
    decide: (scope, decision: Decide): Promise<Interrupt> => decideInterrupt(host, scope, decision),
    find: findRun,
    openRuns: (scope, threadId) =>
      scope.em.find(Run, { threadId, status: { $in: ["QUEUED", "RUNNING", "WAITING", "PAUSED", "CANCELLING"] } }, { orderBy: { startSeq: "asc" } }),
  };
}

async function findRun(scope: Scope, runId: string): Promise<Run> {
  const run = await scope.em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  return run;
}

async function startRun(host: ServiceHost, scope: Scope, tx: Tx, request: StartRun): Promise<Run> {
  checkLimits(request);
  const { tenantId, actorId } = scope.viewer;
  const id = newId();
  const busy = await openRunsBeside(tx, scope, request);
  const waitFor = await makeRoom(host, tx, busy, request);
  const streamNum = request.thread?.streamNum ?? (await openStream(tx, { id, kind: "RUN", tenantId, ownerId: actorId })).num;
  const origin = request.regeneratesId === undefined ? undefined : await originOf(tx, request.regeneratesId);

  const { events, bytes } = await appendEvents(tx.sql, { streamNum, run: { id, startSeq: "first" }, events: [event("run.queued", {})] });
  const startSeq = events[0]?.seq ?? 0;
  const createdAt = events[0]?.at ?? 0;
  const settings: RunSettings = request.settings ?? { simulated: "allowed" };
  const row = {
    id,
    tenant_id: tenantId,
    owner_id: actorId,
    stream_num: streamNum,
    start_seq: startSeq,
    seq: startSeq,
    thread_id: request.thread?.id ?? null,
    root_id: id,
    retry_of_id: request.retryOfId ?? null,
    blocked_by_id: waitFor ?? null,
    regenerates_id: origin ?? null,
    target_type: request.targetType,
    target_id: request.target.id,
    target_name: request.target.name,
    target_version: request.target.version ?? null,
    trigger: request.trigger,
    status: "QUEUED",
    input: inputJson(request),
    limits: JSON.stringify(request.limits ?? {}),
    settings: JSON.stringify(settings),
    usage: JSON.stringify(noUsage),
    created_at: createdAt,
  };
  const deadline = request.limits?.deadlineMs;
  const names = Object.keys(row);
  await tx.sql.run(
    `insert into runs_run (${names.map((name) => `"${name}"`).join(", ")}, epoch, takeovers, due_at, deadline_at)
     values (${names.map(() => "?").join(", ")}, 0, 0, ${waitFor === undefined ? tx.sql.now : "null"}, ${deadline === undefined ? "null" : `${tx.sql.now} + ${Math.round(deadline)}`})`,
    ...Object.values(row),
  );
  const projected: ProjectedRun = {
    id,
    tenantId,
    ownerId: actorId,
    streamNum,
    threadId: row.thread_id,
    targetType: row.target_type,
    targetId: row.target_id,
  };
  tx.afterCommit(() => {
    host.hub.publish(streamNum, events, bytes);
    publishChanges(host.changes, projected, events);
    if (waitFor === undefined) host.ring(id);
  });
  return tx.em.findOneOrFail(Run, { id });
}

function checkLimits({ limits }: StartRun): void {
  if (limits?.maxCost === undefined) return;
  throw new WeftlineError("UNAVAILABLE", {
    what: "A cost limit",
    reason: "no plugin knows prices, so it could not be kept.",
    fix: "Leave maxCost out and set maxTokens instead.",
    path: ["input", "limits", "maxCost"],
  });
}

function inputJson({ input, text }: StartRun): string | null {
  if (input === undefined && text === undefined) return null;
  return JSON.stringify({ ...(text === undefined ? {} : { text }), ...(input === undefined ? {} : { data: input }) });
}

async function originOf(tx: Tx, runId: string): Promise<string> {
  const run = await tx.sql.get<{ regenerates_id: string | null }>("select regenerates_id from runs_run where id = ?", runId);
  return run?.regenerates_id ?? runId;
}

/** Open runs that make a thread busy, or, outside a thread, the viewer's open runs of the same target there. */
async function openRunsBeside(tx: Tx, scope: Scope, { thread, targetType, target }: StartRun): Promise<OpenRun[]> {
  if (thread) {
    return tx.sql.all<OpenRun>(`select ${openColumns} from runs_run where thread_id = ? and status in ${openStatuses} order by start_seq`, thread.id);
  }
  return tx.sql.all<OpenRun>(
    `select ${openColumns} from runs_run where target_type = ? and target_id = ? and thread_id is null and tenant_id = ? and owner_id = ? and status in ${openStatuses} order by created_at`,
    targetType,
    target.id,
    scope.viewer.tenantId,
    scope.viewer.actorId,
  );
}

/** @returns the run to wait for, if there is one. Outside a thread there is no order to keep, so ENQUEUE waits for nothing. */
async function makeRoom(host: ServiceHost, tx: Tx, busy: readonly OpenRun[], request: StartRun): Promise<string | undefined> {
  const onBusy: OnBusy = request.onBusy ?? "ENQUEUE";
  if (busy.length === 0) return undefined;
  if (onBusy === "REJECT") throw new WeftlineError("BUSY", { path: ["input", "onBusy"] });
  if (onBusy === "INTERRUPT") {
    for (const run of busy) await cancelOne(host, tx, run, "Another run was started with onBusy INTERRUPT.");
    const left = await openRunsOf(tx, busy);
    return request.thread ? left.at(-1)?.id : undefined;
  }
  return request.thread ? busy.at(-1)?.id : undefined;
}

async function openRunsOf(tx: Tx, runs: readonly OpenRun[]): Promise<OpenRun[]> {
  const open: OpenRun[] = [];
  for (const { id } of runs) {
    const row = await tx.sql.get<OpenRun>(`select ${openColumns} from runs_run where id = ?`, id);
    if (row && !isTerminal(row.status)) open.push(row);
  }
  return open;
}

async function cancelRun(host: ServiceHost, scope: Scope, runId: string, reason: string | undefined): Promise<Run> {
  await findCancellable(scope, runId);
  await scope.write((tx) => cancelTree(host, tx, runId, reason));
  scope.renew();
  return findCancellable(scope, runId);
}

/** Admins may cancel what they may not read. */
async function findCancellable(scope: Scope, runId: string): Promise<Run> {
  const em = scope.viewer.roles.includes("admin") ? scope.emWith("TENANT") : scope.em;
  const run = await em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  return run;
}

/** Cancels a run and everything below it in one transaction. */
async function cancelTree(host: ServiceHost, tx: Tx, runId: string, reason: string | undefined): Promise<void> {
  const tree = await tx.sql.all<OpenRun>(
    `with recursive tree (id) as (select id from runs_run where id = ? union select r.id from runs_run r join tree t on r.parent_id = t.id)
     select ${openColumns} from runs_run where id in (select id from tree) and status in ${openStatuses} order by id`,
    runId,
  );
  for (const run of tree) await cancelOne(host, tx, run, reason);
}

/** A run that nobody works on ends here; one at work, or that left something open, is told and winds down itself. */
async function cancelOne(host: ServiceHost, tx: Tx, run: OpenRun, reason: string | undefined): Promise<void> {
  if (run.status === "CANCELLING" || isTerminal(run.status)) return;
  const projected = {
    id: run.id,
    tenantId: run.tenant_id,
    ownerId: run.owner_id,
    streamNum: run.stream_num,
    startSeq: run.start_seq,
    threadId: run.thread_id,
    targetType: run.target_type,
    targetId: run.target_id,
  };
  const said = reason === undefined ? {} : { reason };
  if (run.status === "QUEUED" && run.lease_owner === null) {
    await tx.sql.run("update runs_run set epoch = epoch + 1, cancel_reason = ? where id = ?", reason ?? null, run.id);
    await appendSignal(host, tx, projected, [event("run.cancelled", { ...said, usage: noUsage }) as RunEventDraft]);
    return;
  }
  await appendSignal(host, tx, projected, [event("run.cancelling", said)]);
  await tx.sql.run(`update runs_run set blocked_by_id = null, due_at = case when lease_owner is null then ${tx.sql.now} end where id = ?`, run.id);
  tx.afterCommit(() => {
    host.nudge(run.id, reason);
    host.ring(run.id);
  });
}

async function retryRun(host: ServiceHost, scope: Scope, tx: Tx, runId: string): Promise<Run> {
  const run = await tx.em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["input", "run"] });
  if (!isTerminal(run.status)) {
    throw new WeftlineError("CONFLICT", { message: `The run is ${run.status}; only a finished run can be retried.`, path: ["input", "run"] });
  }
  const input = run.input as { readonly text?: string; readonly data?: unknown } | null;
  return startRun(host, scope, tx, {
    targetType: run.targetType,
    target: { id: run.targetId, name: run.targetName, ...(run.targetVersion == null ? {} : { version: run.targetVersion }) },
    trigger: "RETRY",
    retryOfId: run.id,
    ...(run.threadId == null ? {} : { thread: { id: run.threadId, streamNum: run.streamNum }, regeneratesId: run.id }),
    ...(input?.text === undefined ? {} : { text: input.text }),
    ...(input?.data === undefined ? {} : { input: input.data }),
    limits: run.limits,
    settings: run.settings,
  });
}
