/**
 * An authenticated caller. Nothing in the platform acts without one, and no API takes the id of another to act for.
 */
export interface Viewer {
  readonly tenantId: string;
  readonly actorId: string;
  readonly name: string;
  /** Whether a person or a program acts; `USER` by default. */
  readonly kind?: "USER" | "SERVICE";
  /** `admin` manages the tenant; `audit` may read the content of others in it. */
  readonly roles: readonly string[];
}

/** The id of the platform itself among the actors of each tenant: no authenticator may let in a caller of this id. */
export const platformActorId = "weftline:platform";

/** How far a viewer reads: its own rows, or (admins only) those of its whole tenant. */
export type Reach = "MINE" | "TENANT";

export function hasRole(viewer: Viewer, role: string): boolean {
  return viewer.roles.includes(role);
}
