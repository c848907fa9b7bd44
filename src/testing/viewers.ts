import type { Viewer } from "../core/database/viewer.ts";

/** Who asks in a test where nobody else is named. */
export const defaultViewer: Viewer = Object.freeze({ tenantId: "test", actorId: "tester", name: "Tester", roles: [] });

/**
 * Another viewer of the same tenant by default.
 *
 * @example const admin = testViewer("ada", { roles: ["admin"] });
 */
export function testViewer(actorId: string, rest: Partial<Omit<Viewer, "actorId">> = {}): Viewer {
  return { ...defaultViewer, actorId, name: actorId, ...rest };
}
