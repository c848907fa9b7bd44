import { hasRole, type Scope } from "#weftline";
import type { Thread } from "../entities.ts";

/** How far a viewer reads what is said in threads: of others only admins who may audit. */
export function contentReachOf({ viewer }: Scope): "MINE" | "TENANT" {
  return hasRole(viewer, "admin") && hasRole(viewer, "audit") ? "TENANT" : "MINE";
}

/** Logs, once a request, that an auditor reads a thread of another. */
export function noteAudit(scope: Scope, thread: Thread): void {
  if (thread.ownerId === scope.viewer.actorId) return;
  void scope.load(noteAudit, thread.id, async (threadIds) => {
    const { tenantId, actorId } = scope.viewer;
    scope.log.info({ audit: { tenantId, actorId, threadIds } }, "a thread of another was read");
    return threadIds.map(() => true);
  });
}
