import { randomUUID } from "node:crypto";
import { defineEntity } from "@mikro-orm/core";
import { Migration } from "@mikro-orm/migrations";
import { connectionType, definePlugin, loadRows, nodeType, owned, pageArgs, pageOf, type Scope } from "#weftline";

const DeskAgentSchema = defineEntity({
  name: "DeskAgent",
  tableName: "desk_agent",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string(), note: p.string() }),
});

/** What a third party keeps of each viewer: private, beside the platform's agents, which their tenant shares. */
export class DeskAgent extends DeskAgentSchema.class {}
DeskAgentSchema.setClass(DeskAgent);

class Initial202611291200 extends Migration {
  override up(): void {
    this.addSql(
      "create table `desk_agent` (`id` text not null primary key, `tenant_id` text not null, `owner_id` text not null, `note` text not null);",
    );
  }
}

/** A plugin as its author would write it, with an entity named much as one of the platform's. */
export const desk = definePlugin({
  id: "desk",
  entities: [owned(DeskAgentSchema, { rule: "PRIVATE" })],
  migrations: { "202611291200_initial": Initial202611291200 },
  schema: (builder) => {
    nodeType(builder, DeskAgent, {
      name: "DeskAgent",
      description: "An agent at the desk.",
      ownership: { rule: "PRIVATE" },
      load: loadRows(DeskAgent),
      fields: (t) => ({ note: t.exposeString("note", { nullable: false, description: "What it is for." }) }),
    });
    const DeskAgentConnection = connectionType(builder, "DeskAgent", DeskAgent);
    builder.queryField("deskAgents", (t) =>
      t.field({
        type: DeskAgentConnection,
        description: "The viewer's agents at the desk.",
        args: pageArgs(t),
        resolve: (_, args, scope) => pageOf(scope.em, DeskAgent, {}, args, { id: "asc" }),
      }),
    );
  },
});

/** Keeps one for the viewer. */
export async function keepDeskAgent(scope: Scope, note: string): Promise<void> {
  const { tenantId, actorId: ownerId } = scope.viewer;
  await scope.write(async ({ em }) => void em.create(DeskAgent, { id: randomUUID(), tenantId, ownerId, note }));
}
