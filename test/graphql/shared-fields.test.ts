import { expect, it, describe } from "vitest";
import { RunEvent, defineEventType, definePlugin, resultType, type GraphBuilder } from "#weftline";
import { composePlatform } from "../../src/core/platform.ts";
import { testPlatform } from "../../src/testing/index.ts";
import { reportOf } from "../kernel/boot.ts";

type Add = (builder: GraphBuilder) => void;
type FieldType = "Int" | "Int!" | "String" | "String!";

const fieldOf = (type: FieldType) => ({
  type: type.replace("!", "") as "Int" | "String",
  nullable: !type.endsWith("!"),
  description: "Of it.",
  resolve: () => (type.startsWith("Int") ? 1 : ""),
});

/** An event type of a plugin's own. */
const event =
  (name: string, field: string, type: FieldType = "String"): Add =>
  (builder) =>
    defineEventType<unknown>(builder, name, {
      kinds: [name],
      of: "run",
      description: "It happened.",
      fields: (t) => ({ [field]: t.field(fieldOf(type) as never) }),
    });

/** A mutation whose payload has one field. */
const mutation =
  (name: string, field: string, type: FieldType): Add =>
  (builder) => {
    const result = resultType<object>(builder, name, { fields: (t) => ({ [field]: t.field(fieldOf(type) as never) }) });
    builder.mutationField(name.charAt(0).toLowerCase() + name.slice(1), (t) =>
      t.field({ type: result.type, nullable: false, resolve: () => result.attempt(async () => ({})) }),
    );
  };

/** A field on a type of another's. */
const field =
  (type: unknown, name: string): Add =>
  (builder) =>
    builder.objectField(type as never, name as never, (t) => t.field(fieldOf("String") as never));

const plugin = (id: string, add: Add) => definePlugin({ id, schema: add })();
const reportFor = (parts: Record<string, Add>) =>
  reportOf(composePlatform({ plugins: Object.entries(parts).map(([id, add]) => plugin(id, add)), logLevel: "silent" }));
const clash = (id: string, problem: string, fix: string) => [`The plugin "${id}" cannot add to the graph: ${problem}`, `→ ${fix}`];

describe("a field that a plugin adds to an event or an error", () => {
  const why = (what: string) => `what a plugin adds to ${what} starts with its id, so that no two plugins clash.`;
  const cases: { what: string; id: string; add: Add; on: string; named: string; better: string; of?: string }[] = [
    {
      what: "an event of its own",
      id: "billing",
      add: event("BillingPaidEvent", "amount"),
      on: "BillingPaidEvent",
      named: "amount",
      better: "billingAmount",
    },
    {
      what: "an event of the core's",
      id: "ag-ui",
      add: field("RunStatusEvent", "label"),
      on: "RunStatusEvent",
      named: "label",
      better: "agUiLabel",
    },
    {
      what: "an error",
      id: "billing",
      add: field("ConflictError", "price"),
      on: "ConflictError",
      named: "price",
      better: "billingPrice",
      of: "an error",
    },
    {
      what: "all events",
      id: "billing",
      add: (builder) => builder.interfaceField(RunEvent, "price", (t) => t.string({ description: "Of it.", resolve: () => "" })),
      on: "RunEvent",
      named: "price",
      better: "billingPrice",
    },
    {
      what: "an event, where a word only begins like the id",
      id: "bill",
      add: field("RunStatusEvent", "billing"),
      on: "RunStatusEvent",
      named: "billing",
      better: "billBilling",
    },
  ];

  it.each(cases)(
    "is refused at boot where its name does not start with the plugin's id: $what",
    async ({ id, add, on, named, better, of }) => {
      const report = await reportFor({ [id]: add });
      const prefix = better.slice(0, -named.length);
      const lines = clash(
        id,
        `the field "${named}" of ${on} does not start with "${prefix}".`,
        `Rename it to "${better}": ${why(of ?? "an event")}`,
      );
      for (const line of lines) expect(report).toContain(line);
      expect(report.match(/PLUGIN_TYPE_CLASH/g)).toHaveLength(1);
    },
  );

  it("is in the graph where its name does", async () => {
    await using app = await testPlatform({
      plugins: [
        plugin("billing", event("BillingPaidEvent", "billingAmount", "Int!")),
        plugin("ag-ui", field("RunStatusEvent", "agUiLabel")),
      ],
    });
    const query =
      '{ paid: __type(name: "BillingPaidEvent") { fields { name } } status: __type(name: "RunStatusEvent") { fields { name } } }';
    const { paid, status } = await app.graphql<Record<"paid" | "status", { fields: { name: string }[] }>>(query);
    expect(paid.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(["billingAmount", "runId", "seq"]));
    expect(status.fields.map(({ name }) => name)).toContain("agUiLabel");
  });
});

describe("fields of one name that a client selects together", () => {
  it.each([
    {
      what: "a payload and the errors of its union",
      parts: { shop: mutation("ShopOrder", "message", "Int!") },
      lines: clash(
        "shop",
        'the field "message" is Int! in ShopOrderPayload and String! in InvalidInputError: a client cannot select both in one document.',
        'Rename ShopOrderPayload.message, as to "shopMessage", or give it the type String!.',
      ),
    },
    {
      what: "a payload and its errors, by nullability alone",
      parts: { shop: mutation("ShopOrder", "code", "String") },
      lines: ['the field "code" is String in ShopOrderPayload and String! in InvalidInputError'],
    },
    {
      what: "events of plugins that own names of the contract",
      parts: { memory: event("MemoryEvent", "runStatus") },
      lines: ['the field "runStatus" is String in MemoryEvent and RunStatus! in RunStatusEvent (by "runs")'],
    },
    {
      what: "a union of results that a plugin makes by itself",
      parts: {
        shop: ((builder) => {
          const one = builder.objectRef<object>("ShopOne").implement({ fields: (t) => ({ size: t.int({ resolve: () => 1 }) }) });
          const two = builder.objectRef<object>("ShopTwo").implement({ fields: (t) => ({ size: t.string({ resolve: () => "" }) }) });
          const result = builder.unionType("ShopSizeResult", { types: [one, two], resolveType: () => "ShopOne" });
          builder.queryField("shopSize", (t) => t.field({ type: result, resolve: () => ({}) }));
        }) as Add,
      },
      lines: ['the field "size" is String in ShopTwo and Int in ShopOne'],
    },
  ])("are refused at boot where their types differ: $what", async ({ parts, lines }) => {
    const report = await reportFor(parts as Record<string, Add>);
    for (const line of lines) expect(report).toContain(line);
    expect(report.match(/PLUGIN_TYPE_CLASH/g)).toHaveLength(1);
  });
});
