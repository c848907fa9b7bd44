import type { Viewer } from "./viewer.ts";

/** What a policy names viewers by, as it is stored: one actor, or all who hold a role. */
export type Principal = `actor:${string}` | `role:${string}`;

/** All that policies can name a viewer by. */
export function principalsOf({ actorId, roles }: Viewer): readonly Principal[] {
  return [`actor:${actorId}`, ...[...new Set(roles)].map((role): Principal => `role:${role}`)];
}
