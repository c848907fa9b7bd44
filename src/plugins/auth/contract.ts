import { serviceRef } from "#weftline";

/** What other plugins may ask of authentication. */
export interface Auth {
  /**
   * Shuts a viewer out until the host restarts: its next request is refused, its sockets take no new operation, and its open
   * subscriptions end before their next event. Within about a second its sockets are closed and its event streams end, also idle ones.
   */
  revoke(viewer: { readonly tenantId: string; readonly actorId: string }): void;
}

/** Authentication by the viewers of the configuration. */
export const authService = serviceRef<Auth>("auth.auth");
