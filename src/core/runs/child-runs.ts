import type { Sql } from "../database/sql.ts";
import { sizeOf } from "../json/size.ts";
import { tokensLeft } from "./limits-left.ts";
import { event, type NewChild } from "./events.ts";
import { appendEvents } from "./log.ts";
import { givenInput, insertRun, newRun } from "./new-run.ts";
import { projectedRun, type Effects, type ProjectedRun } from "./projector.ts";
import { chainTo, checkDepth } from "./run-chain.ts";
import type { RunLimits, RunSettings } from "./entities/run.ts";
import type { RunStatus } from "./types.ts";
import { isOfUndo } from "./undo.ts";
import { SharedValues } from "./values/refs.ts";

interface ParentRow {
  readonly root_id: string;
  readonly status: RunStatus;
  readonly deadline_at: number | null;
  readonly pause_requested: number;
  readonly settings: string;
  readonly limits: string;
}

/** Who advances a child: a worker with a place for it, or the call that waits for it, in the place of its parent. */
export type ChildPlace = "OWN" | "PARENTS";

/** A run below another, and the step that starts it. */
export type StartedChild = NewChild & { readonly place: ChildPlace; readonly stepId: string };

/**
 * Queues a run below another, within the transaction that appends the step which starts it. A run that is being cancelled gets none below it but those
 * that undo something: its step then ends without one.
 *
 * @throws RUN_TOO_DEEP
 */
export async function queueChild(
  sql: Sql,
  parent: ProjectedRun,
  { place: whose, stepId, ...child }: StartedChild,
  effects: Effects,
): Promise<void> {
  // What the parent has used so far stands in the batch, perhaps.
  await effects.row.write(sql, parent.id);
  const above = await sql.get<ParentRow>(
    `select root_id, status, deadline_at, pause_requested, settings, limits from runs_run where id = ?`,
    parent.id,
  );
  const undoes = (await isOfUndo(sql, stepId)) ? { undoes: true as const } : undefined;
  if (!above || (above.status === "CANCELLING" && !undoes)) return;
  checkDepth(await chainTo(sql, parent.id), { targetType: child.targetType, targetId: child.target.id, name: child.target.name });
  const maxTokens = await tokensLeft(sql, parent.id, JSON.parse(above.limits) as RunLimits);
  const { tenantId, ownerId, streamNum } = parent;
  const values = new SharedValues();
  const given = values.take(givenInput(child));
  const { events, bytes } = await appendEvents(sql, {
    streamNum,
    run: { id: child.id, startSeq: "first" },
    events: [event("run.queued", { parent: parent.id })],
    beside: sizeOf(given),
    values: values.all,
  });
  const { simulated, traceparent } = JSON.parse(above.settings) as RunSettings;
  const place = { id: child.id, streamNum, rootId: above.root_id, parentId: parent.id, blockedById: null, regeneratesId: null };
  const { targetType, target, input, text, timeoutMs } = child;
  const request = {
    targetType,
    target,
    trigger: "PARENT" as const,
    settings: { simulated, ...undoes, ...(traceparent === undefined ? {} : { traceparent }) },
    ...(input === undefined ? {} : { input }),
    ...(text === undefined ? {} : { text }),
    limits: {
      ...(timeoutMs === undefined ? {} : { deadlineMs: timeoutMs }),
      ...(maxTokens === undefined ? {} : { maxTokens: Math.max(1, maxTokens) }),
    },
  };
  const run = newRun({ tenantId, ownerId }, request, place, { events });
  await insertRun(sql, run, { latest: undoes ? null : above.deadline_at, given });
  if (above.pause_requested !== 0 && !undoes) await sql.run("update runs_run set pause_requested = 1 where id = ?", run.id);
  effects.started.push({ run: projectedRun(run), events, bytes });
  if (whose === "OWN") effects.wakes.due.add(child.id);
}
