import type { IncomingMessage } from "node:http";
import { platformActorId, type Viewer } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import { peerAddress } from "./addresses.ts";
import { authenticators, type Admitted, type Credentials, type ScopeHost } from "./scope.ts";

/** The credentials that came with a request, and with the first message of a socket. */
export function credentialsOf(request: IncomingMessage, connectionParams: Readonly<Record<string, unknown>> = {}): Credentials {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  return { headers, connectionParams, address: peerAddress(request) };
}

/** Asks the authenticators in order. Where one fails nobody is let in: a later one, perhaps an open one, must not answer for it. */
export async function authenticate(host: ScopeHost, credentials: Credentials): Promise<Admitted | undefined> {
  for (const { key, plugin, value } of host.contributions(authenticators).values()) {
    try {
      const viewer = await value.authenticate(credentials);
      if (viewer?.actorId === platformActorId)
        throw new WeftlineError("FORBIDDEN", { message: "A caller claims to be the platform itself." });
      // Whatever an authenticator keeps: what has ended lets nobody in.
      if (viewer) return viewer.expiresAt !== undefined && viewer.expiresAt <= Date.now() ? undefined : viewer;
    } catch (error) {
      host.log.error({ err: error, plugin, authenticator: key }, "an authenticator failed");
      return undefined;
    }
  }
  return undefined;
}

/** By what a caller is counted: the viewer, or where nobody knows it, the address. */
export function callerKey(viewer: Viewer | undefined, address: string): string {
  return viewer ? JSON.stringify([viewer.tenantId, viewer.actorId]) : address;
}

/** How a host lets callers in: not at all, some without credentials, or all with them. */
export function admission(host: Pick<ScopeHost, "contributions">): "nobody" | "open" | "credentials" {
  const all = [...host.contributions(authenticators).values()];
  if (all.length === 0) return "nobody";
  return all.some(({ value }) => value.open) ? "open" : "credentials";
}
