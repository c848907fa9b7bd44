import { defineEntity } from "@mikro-orm/core";
import type { Tx } from "../database/database.ts";
import { owned } from "../database/ownership.ts";
import type { Viewer } from "../database/viewer.ts";
import type { Scope } from "../graphql/scope.ts";

const ActorSchema = defineEntity({
  name: "Actor",
  tableName: "platform_actor",
  properties: (p) => ({
    tenantId: p.string().primary(),
    id: p.string().primary(),
    ownerId: p.string(),
    name: p.string(),
    kind: p.enum(["USER", "AGENT", "SYSTEM"] as const),
  }),
});

/** Who acts or owns. Noted at an actor's first write, so that its name can be shown later. */
export class Actor extends ActorSchema.class {}
ActorSchema.setClass(Actor);

export const actorEntity = owned(ActorSchema, { rule: "SHARED" });

/** Notes the viewer's name where it is new or has changed. */
export async function rememberActor(tx: Tx, viewer: Viewer): Promise<void> {
  await tx.sql.run(
    `insert into platform_actor (tenant_id, id, owner_id, name, kind) values (?, ?, ?, ?, 'USER')
     on conflict (tenant_id, id) do update set name = excluded.name where platform_actor.name <> excluded.name`,
    viewer.tenantId,
    viewer.actorId,
    viewer.actorId,
    viewer.name,
  );
}

/** The actor of an id, batched; one that was never noted shows its id as its name. */
export async function actorOf(scope: Scope, id: string): Promise<Actor> {
  const found = await scope.load(Actor, id, async (ids) => {
    const rows = await scope.rowsById(Actor, ids);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return ids.map((each) => byId.get(each));
  });
  return found ?? Object.assign(new Actor(), { tenantId: scope.viewer.tenantId, id, ownerId: id, name: id, kind: "USER" as const });
}
