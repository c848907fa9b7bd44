import { defineEntity, type EntitySchema } from "@mikro-orm/core";
import { definePlugin, owned } from "#weftline";
import { describe, expect, it } from "vitest";
import { testPlatform } from "../../src/testing/index.ts";

type OwnedEntity = ReturnType<typeof owned>;

interface Shape {
  readonly name: string;
  readonly table: string;
  /** What its class is called; as its name by default. */
  readonly className?: string;
}

/** An entity of a plugin that somebody else wrote. */
function entity({ name, table, className = name }: Shape): EntitySchema {
  const schema = defineEntity({
    name,
    tableName: table,
    properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string() }),
  });
  schema.setClass({ [className]: class extends schema.class {} }[className] as never);
  return schema as unknown as EntitySchema;
}

const plugin = (id: string, ...entities: readonly OwnedEntity[]) => definePlugin({ id, entities })();
const secret = (shape: Shape): OwnedEntity => owned(entity(shape), { rule: "PRIVATE" });

describe("the entities of plugins", () => {
  const refused: readonly (readonly [what: string, plugins: readonly ReturnType<typeof plugin>[], problem: string])[] = [
    [
      "a class named otherwise than its entity",
      [plugin("tickets", secret({ name: "TicketsTicket", table: "tickets_ticket", className: "Ticket" }))],
      '[PLUGIN_ENTITY_NAME] The entity "TicketsTicket" of "tickets" has a class named "Ticket".\n    → Give both one name: defineEntity({ name: "Ticket" }), or class TicketsTicket.',
    ],
    [
      "an entity whose class has the name of one of the platform's",
      [plugin("desk", secret({ name: "DeskRun", table: "desk_run", className: "Run" }))],
      '[PLUGIN_ENTITY_NAME] The entity "DeskRun" of "desk" has a class named "Run".',
    ],
    [
      "an entity with the name of one of the platform's",
      [plugin("desk", secret({ name: "Run", table: "desk_run" }))],
      '[PLUGIN_ENTITY_CLASH] Both "runs" and "desk" declare an entity named "Run".',
    ],
    [
      "two entities of one name in one plugin",
      [plugin("desk", secret({ name: "Note", table: "desk_note" }), secret({ name: "Note", table: "desk_other" }))],
      '[PLUGIN_ENTITY_CLASH] Both "desk" and "desk" declare an entity named "Note".',
    ],
    [
      "a table that two plugins use",
      [
        plugin("desk", secret({ name: "Note", table: "desk_top_note" })),
        plugin("desk-top", secret({ name: "Memo", table: "desk_top_note" })),
      ],
      '[PLUGIN_TABLE_CLASH] Both "desk" and "desk-top" declare the table "desk_top_note".\n    → Rename one of them: a table belongs to one entity.',
    ],
    [
      "a table that two entities use, in another case",
      [
        plugin(
          "desk",
          secret({ name: "Note", table: "desk_note" }),
          owned(entity({ name: "Memo", table: "desk_Note" }), { rule: "SHARED" }),
        ),
      ],
      '[PLUGIN_TABLE_CLASH] Both "desk" and "desk" declare the table "desk_Note".',
    ],
    [
      "an entity that only a relation names",
      [plugin("desk", owned(pointing(), { rule: "PRIVATE" }))],
      '[PLUGIN_ENTITY_RULE] The entity "Undeclared"',
    ],
  ];

  it.each(refused)("are refused at boot for %s", async (_, plugins, problem) => {
    for (const order of [plugins, plugins.toReversed()]) {
      const boot = testPlatform({ plugins: order });
      await expect(boot).rejects.toMatchObject({ code: "BOOT_FAILED" });
      if (order === plugins) await expect(boot).rejects.toThrow(problem);
    }
  });
});

function pointing(): EntitySchema {
  const target = entity({ name: "Undeclared", table: "desk_undeclared" });
  const schema = defineEntity({
    name: "Pointing",
    tableName: "desk_pointing",
    properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string(), target: () => p.manyToOne(target) }),
  });
  return schema as unknown as EntitySchema;
}
