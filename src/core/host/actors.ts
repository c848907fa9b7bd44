import { defineEntity } from "@mikro-orm/core";
import type { Tx } from "../database/database.ts";
import { owned } from "../database/ownership.ts";
import { platformActorId, type Viewer } from "../database/viewer.ts";
import type { NodeLoader } from "../graphql/builder.ts";
import { globalId, localIdOrNothing } from "../graphql/ids.ts";
import type { Scope } from "../graphql/scope.ts";

const ActorSchema = defineEntity({
  name: "Actor",
  tableName: "platform_actor",
  properties: (p) => ({
    tenantId: p.string().primary(),
    id: p.string().primary(),
    ownerId: p.string(),
    name: p.string(),
    kind: p.enum(["USER", "AGENT", "SYSTEM", "SERVICE"] as const),
  }),
});

/** Who acts or owns. Noted at an actor's first write, so that its name can be shown later. */
export class Actor extends ActorSchema.class {}
ActorSchema.setClass(Actor);

export const actorEntity = owned(ActorSchema, { rule: "SHARED" });

/** Notes the viewer's name and kind where they are new or have changed. */
export async function rememberActor(tx: Tx, viewer: Viewer): Promise<void> {
  await tx.sql.run(
    `insert into platform_actor (tenant_id, id, owner_id, name, kind) values (?, ?, ?, ?, ?)
     on conflict (tenant_id, id) do update set name = excluded.name, kind = excluded.kind
     where platform_actor.name <> excluded.name or platform_actor.kind <> excluded.kind`,
    viewer.tenantId,
    viewer.actorId,
    viewer.actorId,
    viewer.name,
    viewer.kind ?? "USER",
  );
}

/** The platform itself as the owner of what it starts in a tenant. It may do nothing that needs a role. */
export function platformViewer(tenantId: string): Viewer {
  return { tenantId, actorId: platformActorId, name: "Weftline", roles: [] };
}

/** Notes the platform as an actor of a tenant. */
export async function rememberPlatform(tx: Tx, tenantId: string): Promise<void> {
  const { actorId, name } = platformViewer(tenantId);
  await tx.sql.run(
    `insert into platform_actor (tenant_id, id, owner_id, name, kind) values (?, ?, ?, ?, 'SYSTEM') on conflict (tenant_id, id) do nothing`,
    tenantId,
    actorId,
    actorId,
    name,
  );
}

/** Actors of the viewer's tenant by their ids: those that were noted, and the viewer. */
const loadActors: NodeLoader = async (ids, scope) => {
  const rows = await scope.rowsById(Actor, ids);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const { actorId, name, kind } = scope.viewer;
  return ids.map((id) => byId.get(id) ?? (id === actorId ? unnoted(scope, { id, name, kind: kind ?? "USER" }) : undefined));
};

/** An actor's id among nodes: people of two tenants may have the same id within them. */
export function nodeIdOfActor({ tenantId, id }: Pick<Actor, "tenantId" | "id">): string {
  return `${encodeURIComponent(tenantId)}/${id}`;
}

/** The id in the graph of an actor of the viewer's tenant. */
export function graphIdOfActor({ viewer }: Scope, id: string): string {
  return globalId("Actor", nodeIdOfActor({ tenantId: viewer.tenantId, id }));
}

/** The id within the viewer's tenant of an actor that a client names; `undefined` for what is no actor of it. */
export function actorNamed({ viewer }: Scope, graphId: string): string | undefined {
  const local = localIdOrNothing("Actor", graphId);
  return local === undefined ? undefined : idWithin(viewer.tenantId, local);
}

/** Actors by their ids among nodes. */
export const loadActorNodes: NodeLoader = async (nodeIds, scope) => {
  const ids = nodeIds.map((nodeId) => idWithin(scope.viewer.tenantId, nodeId));
  const found = await loadActors(
    ids.filter((id) => id !== undefined),
    scope,
  );
  const byId = new Map((found as (Actor | undefined)[]).map((actor) => [actor?.id, actor]));
  return ids.map((id) => (id === undefined ? undefined : byId.get(id)));
};

function idWithin(tenantId: string, nodeId: string): string | undefined {
  const prefix = nodeIdOfActor({ tenantId, id: "" });
  return nodeId.startsWith(prefix) ? nodeId.slice(prefix.length) : undefined;
}

/** The actor of an id, batched; one that was never noted shows its id as its name. */
export async function actorOf(scope: Scope, id: string): Promise<Actor> {
  const found = await scope.load(loadActors, id, (ids) => loadActors(ids, scope));
  return (found as Actor | undefined) ?? unnoted(scope, { id, name: id, kind: "USER" });
}

function unnoted({ viewer }: Scope, actor: Pick<Actor, "id" | "name" | "kind">): Actor {
  return Object.assign(new Actor(), { tenantId: viewer.tenantId, ownerId: actor.id, ...actor });
}
