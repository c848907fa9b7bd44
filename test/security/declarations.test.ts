import { defineEntity } from "@mikro-orm/core";
import { expect, it } from "vitest";
import { definePlugin, loadRows, nodeType, owned } from "#weftline";
import type { NodeRule } from "../../src/core/graphql/builder.ts";
import { composePlatform } from "../../src/core/platform.ts";

const LetterSchema = defineEntity({
  name: "PostLetter",
  tableName: "post_letter",
  properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
});
class PostLetter extends LetterSchema.class {}
LetterSchema.setClass(PostLetter);

const compose = (ownership: NodeRule) =>
  composePlatform({
    logLevel: "silent",
    plugins: [
      definePlugin({
        id: "post",
        entities: [owned(LetterSchema, { rule: "PRIVATE" })],
        schema: (builder) =>
          nodeType(builder, PostLetter, {
            name: "PostLetter",
            description: "A letter.",
            ownership,
            load: loadRows(PostLetter),
            fields: () => ({}),
          }),
      })(),
    ],
  });

it("a node type that promises another rule than its rows have does not boot, and the report says which to declare", async () => {
  await expect(compose({ rule: "SHARED" })).rejects.toThrow('The node type "PostLetter" of "post" is SHARED, but its rows are PRIVATE.');
});

it("a node type without a rule does not boot", async () => {
  await expect(compose(undefined as never)).rejects.toThrow('The node type "PostLetter" of "post" does not say who finds it.');
});

it("a node type with the rule of its rows does, and the graph tells it to tools", async () => {
  const { composition } = await compose({ rule: "PRIVATE" });
  expect(composition.schema.getType("PostLetter")?.extensions["weftline"]).toEqual({ ownership: { rule: "PRIVATE" } });
});
