import { v7 as newId } from "uuid";
import type { Tx } from "../database/database.ts";
import { plainEntity } from "../database/rows.ts";
import type { Viewer } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { sizeOf } from "../json/size.ts";
import { hashOf } from "../host/idempotency.ts";
import { publishChanges } from "./append.ts";
import { cancelOne, openColumns, type CancelHost, type OpenRun } from "./cancel.ts";
import { addedMessage, insertMessage } from "./added-message.ts";
import { runTargets, type Answered, type SaidMessage, type StartRun } from "./contract.ts";
import { Run } from "./entities/run.ts";
import { event } from "./events.ts";
import type { PlaceOwner } from "./fair-places.ts";
import { appendEvents, type Append, type Appended } from "./log.ts";
import { givenInput, insertRun, newRun, type Claim } from "./new-run.ts";
import { isAsked, type OpenRuns } from "./open-runs.ts";
import { projectedRun } from "./projector.ts";
import { openStream } from "./streams.ts";
import { isTerminal, openStatuses, type OnBusy } from "./types.ts";
import { SharedValues } from "./values/refs.ts";

/** What a start needs beyond the log. */
export interface StartHost extends CancelHost {
  /** A hold for a run that is about to be queued, where a worker is free here: it saves the run a claim of its own. */
  claim(owner: PlaceOwner): Claim | undefined;
  /** The run is durable and held: advance it. */
  adopt(run: Run): void;
  readonly openRuns: OpenRuns;
}

/** Who starts a run. */
export type Starter = Pick<Scope, "viewer" | "contributions"> & Partial<Pick<Scope, "traceparent">>;

/** Queues a run within the caller's transaction: its row, its place in the log, and what it waits for. */
export async function startRun(host: StartHost, scope: Starter, tx: Tx, request: StartRun): Promise<Run> {
  return (await queueRun(host, scope, tx, request)).run;
}

/** The same with the message that the run answers, in one append. */
export async function answerMessage(
  host: StartHost,
  scope: Starter,
  tx: Tx,
  request: StartRun & Required<Pick<StartRun, "thread">>,
  said: SaidMessage,
): Promise<Answered> {
  const { id, added } = addedMessage(said);
  const beside = JSON.stringify(said.parts).length;
  const { run, owner, events } = await queueRun(host, scope, tx, request, { behind: [added], beside });
  await host.quota.check(tx.sql, owner);
  const { id: threadId, streamNum } = request.thread;
  const message = await insertMessage(tx, { ...said, threadId, runId: run.id }, { id, streamNum, owner, added: events.at(-1) });
  // The run itself goes on to its worker.
  return { message, run: plainEntity<Run>(Run.prototype, { ...run, lastSeq: message.seq }) };
}

/** @param more what is appended with it. */
async function queueRun(
  host: StartHost,
  scope: Starter,
  tx: Tx,
  request: StartRun,
  more: Pick<Append, "behind" | "beside"> = {},
): Promise<Appended & { readonly run: Run }> {
  checkLimits(host, request);
  const { viewer } = scope;
  const id = newId();
  const owner = { tenantId: viewer.tenantId, ownerId: viewer.actorId };
  const blockedById = await placeInLine(host, tx, scope, request);
  if (isAsked(request.trigger)) {
    await host.quota.check(tx.sql, owner);
    const { targetType, target, thread } = request;
    await host.meter()?.checkStart(tx.sql, { ...owner, targetType, targetId: target.id, threadId: thread?.id });
  }
  await host.openRuns.take(tx, viewer, request.trigger);
  const streamNum =
    request.thread?.streamNum ?? (await openStream(tx, { id, kind: "RUN", tenantId: viewer.tenantId, ownerId: viewer.actorId })).num;
  const regeneratesId = request.regeneratesId === undefined ? null : await originOf(tx, request.regeneratesId);
  const values = new SharedValues();
  const given = values.take(givenInput(request));
  const appended = await appendEvents(tx.sql, {
    streamNum,
    run: { id, startSeq: "first" },
    events: [event("run.queued", {})],
    behind: more.behind ?? [],
    beside: (more.beside ?? 0) + sizeOf(given),
    values: values.all,
  });
  const place = { id, streamNum, rootId: id, parentId: null, blockedById: blockedById ?? null, regeneratesId };
  const run = newRun(owner, inTrace(request, scope.traceparent), place, appended);
  const claim = blockedById === undefined ? host.claim(owner) : undefined;
  await insertRun(tx.sql, run, { claim, latest: request.latest ?? null, given });
  await insertMetadata(tx, run);
  tx.afterCommit(() => {
    host.quota.add(owner, appended.bytes);
    host.hub.publish(streamNum, appended.events, appended.bytes);
    publishChanges(host.changes, projectedRun(run), appended.events);
    if (claim) host.adopt(run);
    else if (blockedById === undefined) host.ring(id);
  });
  return { ...appended, run };
}

/** The run goes on in the trace of the request that starts it. */
function inTrace(request: StartRun, traceparent: string | undefined): StartRun {
  if (traceparent === undefined) return request;
  return { ...request, settings: { simulated: "allowed", ...request.settings, traceparent } };
}

function checkLimits({ meter }: Pick<StartHost, "meter">, { limits }: StartRun): void {
  if (limits?.maxCost === undefined || meter()) return;
  throw new WeftlineError("UNAVAILABLE", {
    what: "A cost limit",
    reason: "no plugin knows prices, so it could not be kept.",
    fix: "Leave maxCost out and set maxTokens instead.",
    path: ["input", "limits", "maxCost"],
  });
}

/** By these rows a run is found by what it holds. */
async function insertMetadata(tx: Tx, { id, tenantId, ownerId, metadata }: Run): Promise<void> {
  const members = Object.entries(metadata ?? {});
  if (members.length === 0) return;
  await tx.sql.run(
    `insert into runs_run_metadata (run_id, name, tenant_id, owner_id, value_hash) values ${members.map(() => "(?, ?, ?, ?, ?)").join(", ")}`,
    ...members.flatMap(([name, value]) => [id, name, tenantId, ownerId, hashOf(value)]),
  );
}

async function originOf(tx: Tx, runId: string): Promise<string> {
  const run = await tx.sql.get<{ regenerates_id: string | null }>("select regenerates_id from runs_run where id = ?", runId);
  return run?.regenerates_id ?? runId;
}

/** @returns the run to wait for, if there is one. */
async function placeInLine(host: CancelHost, tx: Tx, starter: Starter, request: StartRun): Promise<string | undefined> {
  const { viewer } = starter;
  const alone = starter.contributions(runTargets).get(request.targetType)?.value.alone?.(request.target.id);
  if (alone !== undefined) return behindOthers(alone, await openRunsOfTarget(tx, viewer, request));
  const { schedule, ...rest } = request;
  if (!schedule) return makeRoom(host, tx, await openRunsBeside(tx, viewer, request), request);
  const before = await makeRoom(host, tx, await openRunsOfSchedule(tx, schedule.id), request);
  if (!request.thread) return before;
  const inThread = { ...rest, onBusy: "ENQUEUE" as const };
  return (await makeRoom(host, tx, await openRunsBeside(tx, viewer, inThread), inThread)) ?? before;
}

/** @returns the run to wait for, if there is one. */
function behindOthers(alone: "REJECT" | "ENQUEUE", open: readonly OpenRun[]): string | undefined {
  const last = open.at(-1);
  if (last === undefined || alone === "ENQUEUE") return last?.id;
  const message = "One run of it at a time may be open in a tenant, and one is.";
  throw new WeftlineError("BUSY", { message, fix: "Wait for the end of that run, or cancel it.", path: ["input"] });
}

/** Of whoever started them, oldest first. The type stands in the text, as the small index of open jobs has it. */
function openRunsOfTarget(tx: Tx, { tenantId }: Viewer, { targetType, target }: StartRun): Promise<OpenRun[]> {
  const ofType = targetType === "Job" ? "target_type = 'Job'" : "target_type = ?";
  return tx.sql.all<OpenRun>(
    `select ${openColumns} from runs_run where tenant_id = ? and target_id = ? and finished_at is null and ${ofType} order by id`,
    tenantId,
    target.id,
    ...(targetType === "Job" ? [] : [targetType]),
  );
}

/** Oldest first. */
function openRunsOfSchedule(tx: Tx, scheduleId: string): Promise<OpenRun[]> {
  return tx.sql.all<OpenRun>(
    `select ${openColumns} from runs_run where schedule_id = ? and finished_at is null and status in ${openStatuses} order by schedule_tick_at`,
    scheduleId,
  );
}

/** Open runs that make a thread busy (only the newest, where the others need not be known), or, outside a thread where nobody waits, the viewer's open runs of the same target there. */
async function openRunsBeside(tx: Tx, viewer: Viewer, { thread, targetType, target, onBusy = "ENQUEUE" }: StartRun): Promise<OpenRun[]> {
  if (thread) {
    const open = `select ${openColumns} from runs_run where thread_id = ? and finished_at is null and status in ${openStatuses}`;
    if (onBusy === "INTERRUPT") return tx.sql.all<OpenRun>(`${open} order by start_seq`, thread.id);
    return tx.sql.all<OpenRun>(`${open} order by start_seq desc limit 1`, thread.id);
  }
  if (onBusy === "ENQUEUE") return [];
  return tx.sql.all<OpenRun>(
    `select ${openColumns} from runs_run where target_type = ? and target_id = ? and thread_id is null and tenant_id = ? and owner_id = ? and status in ${openStatuses} order by created_at`,
    targetType,
    target.id,
    viewer.tenantId,
    viewer.actorId,
  );
}

/** @returns the run to wait for, if there is one. Outside threads and schedules there is no order to keep, so ENQUEUE waits for nothing. */
async function makeRoom(host: CancelHost, tx: Tx, busy: readonly OpenRun[], request: StartRun): Promise<string | undefined> {
  const onBusy: OnBusy = request.onBusy ?? "ENQUEUE";
  if (busy.length === 0) return undefined;
  if (onBusy === "REJECT") throw new WeftlineError("BUSY", { path: ["input", "onBusy"] });
  if (onBusy === "INTERRUPT") {
    for (const run of busy) await cancelOne(host, tx, run, "Another run was started with onBusy INTERRUPT.");
    const left = await openRunsOf(tx, busy);
    return hasOrder(request) ? left.at(-1)?.id : undefined;
  }
  return hasOrder(request) ? busy.at(-1)?.id : undefined;
}

const hasOrder = ({ thread, schedule }: StartRun): boolean => thread !== undefined || schedule !== undefined;

async function openRunsOf(tx: Tx, runs: readonly OpenRun[]): Promise<OpenRun[]> {
  const open: OpenRun[] = [];
  for (const { id } of runs) {
    const row = await tx.sql.get<OpenRun>(`select ${openColumns} from runs_run where id = ?`, id);
    if (row && !isTerminal(row.status)) open.push(row);
  }
  return open;
}
