import { Run, WeftlineError, hasRole, loadRow, localId, type MemoryScope, type Scope, type Viewer } from "#weftline";
import { Agent, agentService } from "#plugins/agents";
import { Thread, chatService } from "#plugins/chat";
import type { ScopeRef } from "../contract.ts";
import type { Place } from "../store/store.ts";
import { refused } from "./problems.ts";

/** The parts of a run by which its scopes are found, as its row says. */
export interface PlacedRun {
  readonly tenantId: string;
  readonly ownerId: string;
  readonly rootId: string;
  readonly threadId?: string | null | undefined;
  readonly agentId?: string | undefined;
}

/**
 * The place of a scope that a viewer names. Its id is looked up as the viewer, so that it is the viewer's or none.
 *
 * @throws INVALID_INPUT, INVALID_ID, NOT_FOUND
 */
export async function placeOf(scope: Scope, { scope: kind, id }: ScopeRef, path: readonly string[]): Promise<Place> {
  const { tenantId, actorId: ownerId } = scope.viewer;
  const at = [...path, "id"];
  if (kind === "USER" || kind === "TENANT") {
    if (id != null) throw refused(at, `${kind} is the viewer's own: it takes no id.`);
    return kind === "USER" ? { tenantId, scope: kind, scopeId: ownerId, ownerId } : tenantPlace(tenantId);
  }
  if (id == null) throw refused(at, `${kind} takes an id.`);
  return { tenantId, scope: kind, scopeId: await ownId(scope, kind, { id, path: at }), ownerId };
}

/** The place of a scope of a run; nothing where the run has no part in it. */
export function placeOfRun({ tenantId, ownerId, rootId, threadId, agentId }: PlacedRun, scope: MemoryScope): Place | undefined {
  if (scope === "TENANT") return tenantPlace(tenantId);
  const scopeId = { THREAD: threadId, AGENT: agentId, WORKFLOW: rootId, USER: ownerId }[scope];
  return scopeId == null ? undefined : { tenantId, scope, scopeId, ownerId };
}

/** What all of a tenant read is written by its admins. @throws FORBIDDEN */
export function checkWriter(viewer: Viewer, { scope }: { readonly scope: MemoryScope }): void {
  if (scope !== "TENANT" || hasRole(viewer, "admin")) return;
  throw new WeftlineError("FORBIDDEN", {
    message: "What all of the tenant remember is written by its admins.",
    fix: "Remember it for yourself, with scope USER, or ask an admin.",
  });
}

function tenantPlace(tenantId: string): Place {
  return { tenantId, scope: "TENANT", scopeId: tenantId, ownerId: "" };
}

interface GivenId {
  readonly id: string;
  readonly path: readonly string[];
}

async function ownId(scope: Scope, kind: "THREAD" | "AGENT" | "WORKFLOW", { id, path }: GivenId): Promise<string> {
  switch (kind) {
    case "THREAD": {
      const thread = localId("Thread", id, path);
      return ((scope.has(chatService) ? await loadRow(scope, Thread, thread) : null) ?? missing("thread", path)).id;
    }
    case "AGENT": {
      const agent = localId("Agent", id, path);
      return ((scope.has(agentService) ? await loadRow(scope, Agent, agent) : null) ?? missing("agent", path)).id;
    }
    case "WORKFLOW":
      return ((await loadRow(scope, Run, localId("Run", id, path))) ?? missing("run", path)).rootId;
  }
}

function missing(what: string, path: readonly string[]): never {
  throw new WeftlineError("NOT_FOUND", { what, path });
}
