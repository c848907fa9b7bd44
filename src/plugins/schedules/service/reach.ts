import { hasRole, type Scope } from "#weftline";
import { Schedule } from "../entities.ts";

/** How far a viewer sees that schedules exist: admins see those of their tenant. */
export function reachOf({ viewer }: Scope): "MINE" | "TENANT" {
  return hasRole(viewer, "admin") ? "TENANT" : "MINE";
}

/** Whether the viewer may read what a schedule is called and what its runs are given. What an auditor reads of others is logged once a request. */
export function seesContent(scope: Scope, { id, tenantId, ownerId }: Schedule): boolean {
  const { viewer } = scope;
  if (ownerId === viewer.actorId && tenantId === viewer.tenantId) return true;
  if (!hasRole(viewer, "admin") || !hasRole(viewer, "audit")) return false;
  void scope.load(seesContent, id, async (scheduleIds) => {
    scope.log.info({ audit: { tenantId: viewer.tenantId, actorId: viewer.actorId, scheduleIds } }, "a schedule of another was read");
    return scheduleIds.map(() => true);
  });
  return true;
}

/** Schedules by their ids, as far as the viewer may see that they exist. */
export async function loadSchedules(ids: readonly string[], scope: Scope): Promise<readonly (Schedule | undefined)[]> {
  const rows = await scope.rowsById(Schedule, ids, reachOf(scope));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id));
}

/** One schedule, batched with others; null where there is no id, or nothing that the viewer may see. */
export async function loadSchedule(scope: Scope, id: string | null | undefined): Promise<Schedule | null> {
  if (id == null) return null;
  return (await scope.load(loadSchedules, id, (ids) => loadSchedules(ids, scope))) ?? null;
}
