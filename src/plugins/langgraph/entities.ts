import { defineEntity } from "@mikro-orm/core";
import { owned } from "#weftline";

const ItemSchema = defineEntity({
  name: "LangGraphItem",
  tableName: "langgraph_item",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    ownerId: p.string(),
    /** Its labels with dots between them: no label holds one. */
    namespace: p.string(),
    key: p.string(),
    value: p.json<Readonly<Record<string, unknown>>>(),
    createdAt: p.bigint("number"),
    updatedAt: p.bigint("number"),
  }),
  uniques: [{ properties: ["tenantId", "ownerId", "namespace", "key"] }],
});

/** Something that graphs of a user remember from run to run. */
export class LangGraphItem extends ItemSchema.class {}
ItemSchema.setClass(LangGraphItem);
export const itemEntity = owned(ItemSchema, { rule: "PRIVATE" });
