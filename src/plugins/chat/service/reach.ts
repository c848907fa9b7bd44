import { hasRole, type Scope } from "#weftline";
import type { Thread } from "../entities.ts";

/** How far a viewer sees that threads exist: admins see those of their tenant. */
export function reachOf({ viewer }: Scope): "MINE" | "TENANT" {
  return hasRole(viewer, "admin") ? "TENANT" : "MINE";
}

/** Whether the viewer may read what is said in a thread that it may see, and what its owner calls it. */
export function seesContent(scope: Scope, { tenantId, ownerId }: Thread): boolean {
  return (ownerId === scope.viewer.actorId && tenantId === scope.viewer.tenantId) || contentReachOf(scope) === "TENANT";
}

/** How far a viewer reads what is said in threads: of others only admins who may audit. */
export function contentReachOf({ viewer }: Scope): "MINE" | "TENANT" {
  return hasRole(viewer, "admin") && hasRole(viewer, "audit") ? "TENANT" : "MINE";
}

/** Logs, once a request, that an auditor reads a thread of another. */
export function noteReading(scope: Scope, thread: Thread): void {
  if (thread.ownerId === scope.viewer.actorId || !seesContent(scope, thread)) return;
  void scope.load(noteReading, thread.id, async (threadIds) => {
    const { tenantId, actorId } = scope.viewer;
    scope.log.info({ audit: { tenantId, actorId, threadIds } }, "a thread of another was read");
    return threadIds.map(() => true);
  });
}
