import { v7 as newId } from "uuid";
import type { Database } from "../database/database.ts";
import type { Viewer } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import { authenticators, authorizationService, Scope, type ActorKey, type ScopeHost } from "../graphql/scope.ts";
import { serviceRef } from "../kernel/refs.ts";

/**
 * Scopes of actors who are not there to ask: a schedule or a webhook acts as its owner, with the roles that the owner has at that moment.
 */
export interface ActingScopes {
  /**
   * A scope that acts as the actor. Get a new one for each piece of work: roles and access change.
   *
   * @throws ACCESS_LOST where the actor may not act any more.
   * @throws UNAVAILABLE where no authenticator can tell: try again later, and keep what the actor owns.
   * @example const scope = await deps.actingScopes.of({ tenantId: row.tenantId, actorId: row.ownerId });
   */
  of(actor: ActorKey, requestId?: string): Promise<Scope>;
  /** A scope for a run of the actor's that was allowed when it started: it acts as the actor, without any role. */
  ofRun(actor: ActorKey): Promise<Scope>;
}

export const actingScopes = serviceRef<ActingScopes>("weftline.actingScopes");

export function createActingScopes(host: ScopeHost): ActingScopes {
  return {
    of: async (actor, requestId = newId()) => {
      const viewer = await viewerNow(host, actor);
      if (!viewer || !(await host.use(authorizationService).admits(viewer)))
        throw new WeftlineError("ACCESS_LOST", { actor: actor.actorId });
      return new Scope(host, viewer, requestId);
    },
    ofRun: async (actor) => new Scope(host, await notedViewer(host.database, actor), newId()),
  };
}

/** The actor as the first authenticator knows it that does. */
async function viewerNow(host: ScopeHost, actor: ActorKey): Promise<Viewer | undefined> {
  const all = [...host.contributions(authenticators).values()];
  if (all.length === 0) return notedViewer(host.database, actor);
  const silent: string[] = [];
  for (const { key, plugin, value } of all) {
    if (!value.viewerOf) {
      silent.push(key);
      continue;
    }
    const viewer = await asked(host, { key, plugin }, () => value.viewerOf?.(actor));
    if (viewer) return viewer.expiresAt !== undefined && viewer.expiresAt <= Date.now() ? undefined : viewer;
  }
  if (silent.length === 0) return undefined;
  throw new WeftlineError("UNAVAILABLE", {
    what: `The access of "${actor.actorId}"`,
    reason: `the authenticator "${silent[0]}" cannot look up actors.`,
    fix: "Give the authenticator a viewerOf that answers for its actors.",
  });
}

/** An authenticator that fails has not said that the actor lost its access. */
async function asked<T>(
  { log }: ScopeHost,
  { key, plugin }: { readonly key: string; readonly plugin: string },
  look: () => Promise<T> | T,
): Promise<T> {
  try {
    return await look();
  } catch (error) {
    log.error({ err: error, plugin, authenticator: key }, "an authenticator failed to look up an actor");
    const reason = `the authenticator "${key}" failed to look up an actor.`;
    throw new WeftlineError("UNAVAILABLE", { what: "Access", reason, fix: "Look into the log of the server." }, { cause: error });
  }
}

/** The actor as it was noted, without roles: where there is no authenticator, the program around the platform says at each call who acts. */
async function notedViewer(database: Database, { tenantId, actorId }: ActorKey): Promise<Viewer> {
  const noted = await database.read.get<{ name: string; kind: string }>(
    "select name, kind from platform_actor where tenant_id = ? and id = ?",
    tenantId,
    actorId,
  );
  return { tenantId, actorId, name: noted?.name ?? actorId, roles: [], ...(noted?.kind === "SERVICE" ? { kind: "SERVICE" } : {}) };
}
