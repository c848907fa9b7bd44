import type { EntityClass } from "@mikro-orm/core";
import { hasRole, type Reach } from "../../database/viewer.ts";
import type { NodeLoader } from "../../graphql/builder.ts";
import type { Scope } from "../../graphql/scope.ts";
import { grantedRuns } from "../approvers/granted.ts";
import { Checkpoint } from "../entities/checkpoint.ts";
import { Interrupt } from "../entities/message.ts";
import { Run, Step } from "../entities/run.ts";

/** How far a viewer sees that runs exist, their status and cost: admins see those of their tenant. */
export function reachOf(scope: Scope): Reach {
  return hasRole(scope.viewer, "admin") ? "TENANT" : "MINE";
}

/** How far a viewer sees what runs were told and said: of others only admins who may audit, and that is logged. */
export function contentReachOf(scope: Scope): Reach {
  return hasRole(scope.viewer, "audit") ? reachOf(scope) : "MINE";
}

/** Loads rows by id as far as `reach` says. */
export function rowsWithin<Entity extends { readonly id: string }>(
  entity: EntityClass<Entity>,
  reach: (scope: Scope) => Reach,
): NodeLoader {
  return async (ids, scope) => {
    const rows = await scope.rowsById(entity, ids, reach(scope));
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((id) => byId.get(id));
  };
}

const loadOwnRuns = rowsWithin(Run, reachOf);

/** The viewer's runs, and those that ask what it may decide: of these it sees no more than {@link seesRun} allows. */
export const loadRuns: NodeLoader = async (ids, scope) => {
  const runs = (await loadOwnRuns(ids, scope)) as readonly (Run | undefined)[];
  const others = ids.filter((_, at) => runs[at] === undefined);
  if (others.length === 0) return runs;
  const granted = new Map((await grantedRuns(scope, others)).map((run) => [run.id, run]));
  return ids.map((id, at) => runs[at] ?? granted.get(id));
};
export const loadSteps = rowsWithin(Step, reachOf);
export const loadCheckpoints = rowsWithin(Checkpoint, reachOf);
export const loadInterrupts = rowsWithin(Interrupt, reachOf);

/** One row by its local id, batched with others; null where there is no id, or nothing that the viewer may see. */
export async function loadOne<Entity>(scope: Scope, load: NodeLoader, id: string | null | undefined): Promise<Entity | null> {
  if (id == null) return null;
  return ((await scope.load(load, id, (ids) => load(ids, scope))) as Entity | undefined) ?? null;
}

interface RowOfRun {
  readonly id: string;
  readonly runId?: string | null;
  readonly tenantId: string;
  readonly ownerId: string;
}

/** Whether the viewer sees how a run is doing. Who may only decide what it asks sees its id, status and target. */
export function seesRun(scope: Scope, row: RowOfRun): boolean {
  return isOwn(scope, row) || reachOf(scope) === "TENANT";
}

function isOwn({ viewer }: Scope, row: RowOfRun): boolean {
  return row.ownerId === viewer.actorId && row.tenantId === viewer.tenantId;
}

/** Whether the viewer may see what stands in a row that it may see. What an auditor sees of others is logged once a request and run. */
export function seesContent(scope: Scope, row: RowOfRun): boolean {
  if (isOwn(scope, row)) return true;
  if (contentReachOf(scope) !== "TENANT") return false;
  noteAudit(scope, row.runId ?? row.id);
  return true;
}

/** Logs that an auditor reads the content of another's run. */
export function noteAudit(scope: Scope, runId: string): void {
  void scope.load(noteAudit, runId, async (runIds) => {
    const { tenantId, actorId } = scope.viewer;
    scope.log.info({ audit: { tenantId, actorId, runIds } }, "the content of another's run was read");
    return runIds.map(() => true);
  });
}
