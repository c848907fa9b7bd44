import { createChannel, definePlugin, type GraphBuilder } from "#weftline";
import { graphql, isObjectType } from "graphql";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { nodeType } from "../../src/core/graphql/nodes.ts";
import { composeSchema, printGraph, type SchemaPart } from "../../src/core/graphql/schema.ts";
import { composePlatform } from "../../src/core/platform.ts";
import { reportOf } from "../kernel/boot.ts";

/** The least that makes a valid graph: each root type has a field. */
const base: SchemaPart = {
  plugin: "base",
  add: (builder) => {
    builder.queryField("baseRead", (t) => t.string({ resolve: () => "read" }));
    builder.mutationField("baseChange", (t) => t.string({ resolve: () => "changed" }));
    builder.subscriptionField("baseWatch", (t) =>
      t.string({ subscribe: () => createChannel<string>(), resolve: (text) => text as string }),
    );
  },
};

const part = (plugin: string, add: (builder: GraphBuilder) => void): SchemaPart => ({ plugin, add });
const object = (name: string) => (builder: GraphBuilder) =>
  void builder.objectRef<object>(name).implement({ fields: (t) => ({ text: t.string({ resolve: () => name }) }) });
const query = (name: string) => (builder: GraphBuilder) => void builder.queryField(name, (t) => t.string({ resolve: () => name }));

class AlphaThing {
  declare readonly id: string;
}

/** Everything that stands in the way of a graph, as `code plugin: problem`. */
function problemsOf(...parts: SchemaPart[]): string[] {
  try {
    composeSchema([base, ...parts]);
  } catch (error) {
    const errors = error instanceof AggregateError ? error.errors : [error];
    return errors.map(({ code, details }) => `${code} ${details.plugin}: ${details.problem}`);
  }
  return [];
}

describe("a graph of several plugins", () => {
  it("knows which plugin defined which type", () => {
    const { schema, owners } = composeSchema([base, part("alpha", object("AlphaThing")), part("ag-ui", object("AgUiThing"))]);
    expect(isObjectType(schema.getType("AlphaThing"))).toBe(true);
    expect(owners.get("AlphaThing")).toBe("alpha");
    expect(owners.get("AgUiThing")).toBe("ag-ui");
    expect(owners.get("PageInfo")).toBe("weftline");
  });

  it("lets a plugin add a field to a type of another, by its class", async () => {
    const { schema } = composeSchema([
      base,
      part("alpha", (builder) => {
        builder.objectType(AlphaThing, { name: "AlphaThing", fields: (t) => ({ own: t.string({ resolve: () => "own" }) }) });
        builder.queryField("alphaThing", (t) => t.field({ type: AlphaThing, resolve: () => new AlphaThing() }));
      }),
      part("beta", (builder) => builder.objectField(AlphaThing, "beta", (t) => t.string({ resolve: () => "from beta" }))),
    ]);
    const { data } = await graphql({ schema, source: "{ alphaThing { own beta } }" });
    expect(JSON.parse(JSON.stringify(data))).toEqual({ alphaThing: { own: "own", beta: "from beta" } });
  });

  it("is the same however often it is built in one process, and prints the same", () => {
    const parts = [
      base,
      part("alpha", (builder) =>
        nodeType(builder, AlphaThing, {
          name: "AlphaThing",
          description: "A thing.",
          ownership: { rule: "INSTALLED" },
          load: async (ids) => ids.map(() => undefined),
          fields: () => ({}),
        }),
      ),
    ];
    const [first, second] = [composeSchema(parts), composeSchema(parts)];
    expect(first.schema).not.toBe(second.schema);
    expect(printGraph(first.schema)).toBe(printGraph(second.schema));
    expect(printGraph(first.schema)).toContain("type AlphaThing implements Node");
  });

  it("prints types and fields by their names, not in the order of the list", () => {
    const [a, b] = [part("alpha", object("AlphaThing")), part("beta", object("BetaThing"))];
    expect(printGraph(composeSchema([base, a, b]).schema)).toBe(printGraph(composeSchema([b, base, a]).schema));
  });
});

describe("the name of a type", () => {
  it("may be defined once: the report names both plugins, whatever kind of type it is", () => {
    const taken = "Duplicate typename: Another type with name AlphaThing already exists.";
    const kinds: ((builder: GraphBuilder) => void)[] = [
      object("AlphaThing"),
      (builder) => builder.objectType(AlphaThing, { name: "AlphaThing", fields: (t) => ({ text: t.string({ resolve: () => "" }) }) }),
      (builder) => void builder.enumType("AlphaThing", { values: ["ONE"] }),
      (builder) => void builder.inputType("AlphaThing", { fields: (t) => ({ text: t.string() }) }),
    ];
    for (const kind of kinds)
      expect(problemsOf(part("alpha", object("AlphaThing")), part("alp", kind))).toEqual([`PLUGIN_TYPE_CLASH alp: ${taken} (by "alpha")`]);
  });

  it("may not be one of the core", () => {
    expect(problemsOf(part("page", object("PageInfo")))).toEqual([
      'PLUGIN_TYPE_CLASH page: Duplicate typename: Another type with name PageInfo already exists. (by "weftline")',
    ]);
  });

  it("starts with the plugin's id", () => {
    expect(problemsOf(part("alpha", object("Thing")))).toEqual(['PLUGIN_TYPE_CLASH alpha: the type "Thing" does not start with "Alpha".']);
    expect(problemsOf(part("ag-ui", object("AguiThing")))).toEqual([
      'PLUGIN_TYPE_CLASH ag-ui: the type "AguiThing" does not start with "AgUi".',
    ]);
    expect(problemsOf(part("al", object("AlphaThing")))).toEqual(['PLUGIN_TYPE_CLASH al: the type "AlphaThing" does not start with "Al".']);
    expect(problemsOf(part("alpha", object("Alpha")), part("a2a", object("A2aCard")))).toEqual([]);
  });

  it("of the contract belongs to the plugin that it is reserved for, also where that one is not installed", () => {
    expect(problemsOf(part("alpha", object("Thread")))).toEqual(['PLUGIN_TYPE_CLASH alpha: the type "Thread" is reserved for "chat".']);
    expect(problemsOf(part("run", object("RunEvent")))).toEqual(['PLUGIN_TYPE_CLASH run: the type "RunEvent" is reserved for "runs".']);
    expect(problemsOf(part("chat", object("Thread")))).toEqual([]);
  });

  it("differs from every other by more than the case of its letters", () => {
    expect(problemsOf(part("alpha", object("AlphaThing")), part("alph", object("AlphATHING")))).toEqual([
      'PLUGIN_TYPE_CLASH alph: "AlphATHING" differs from "AlphaThing" of "alpha" only in case.',
    ]);
    expect(problemsOf(part("alpha", (builder) => [object("AlphaThing"), object("AlphaTHING")].forEach((add) => add(builder))))).toEqual([
      'PLUGIN_TYPE_CLASH alpha: "AlphaTHING" differs from "AlphaThing" of "alpha" only in case.',
    ]);
  });
});

describe("a field", () => {
  it("of a root type may be defined once: the report names both plugins", () => {
    expect(problemsOf(part("alpha", query("thing")), part("middle", query("other")), part("beta", query("thing")))).toEqual([
      'PLUGIN_TYPE_CLASH beta: Duplicate field thing on Query (by "alpha")',
    ]);
    expect(problemsOf(part("alpha", query("node")))).toEqual(["PLUGIN_TYPE_CLASH alpha: Duplicate field node on Query"]);
  });

  it("of another plugin's type may be added once: the report names both that do", () => {
    const define = part("base-two", (builder) =>
      builder.objectType(AlphaThing, { name: "BaseTwoThing", fields: (t) => ({ own: t.string({ resolve: () => "" }) }) }),
    );
    const add = (plugin: string, name: string) =>
      part(plugin, (builder) => builder.objectField(AlphaThing, name, (t) => t.string({ resolve: () => "" })));
    expect(problemsOf(define, add("alpha", "extra"), add("beta", "extra"))).toEqual([
      'PLUGIN_TYPE_CLASH beta: Duplicate field extra on BaseTwoThing (by "alpha")',
    ]);
    expect(problemsOf(define, add("alpha", "own"))).toEqual([
      'PLUGIN_TYPE_CLASH alpha: Duplicate field own on BaseTwoThing (by "base-two")',
    ]);
  });

  it("of a type that nobody defines is laid to the plugin that uses it", () => {
    const user = part("beta", (builder) => builder.queryField("betaThing", (t) => t.field({ type: AlphaThing, resolve: () => null })));
    expect(problemsOf(part("alpha", object("AlphaOther")), user, part("gamma", query("gamma")))).toEqual([
      "PLUGIN_TYPE_CLASH beta: class AlphaThing has not been implemented",
    ]);
  });
});

describe("a schema function that throws", () => {
  const broken = part("broken", () => {
    throw new Error("out of ideas");
  });

  it("is laid to its plugin, at once or when its fields are built", () => {
    expect(problemsOf(broken)).toEqual(["PLUGIN_TYPE_CLASH broken: out of ideas"]);
    const late = part("late", (builder) =>
      builder.queryField("late", () => {
        throw new Error("out of fields");
      }),
    );
    expect(problemsOf(part("alpha", query("alpha")), late, part("beta", query("beta")))).toEqual(["PLUGIN_TYPE_CLASH late: out of fields"]);
  });

  it("does not hide what else is wrong", () => {
    expect(problemsOf(broken, part("alpha", object("Thing")), part("beta", object("Thread")))).toEqual([
      "PLUGIN_TYPE_CLASH broken: out of ideas",
      'PLUGIN_TYPE_CLASH alpha: the type "Thing" does not start with "Alpha".',
      'PLUGIN_TYPE_CLASH beta: the type "Thread" is reserved for "chat".',
    ]);
  });
});

describe("a platform that composes", () => {
  it("puts all that is wrong with types into the report of the boot", async () => {
    const plugins = [definePlugin({ id: "alpha", schema: object("Thing") })(), definePlugin({ id: "beta", schema: object("Thread") })()];
    const report = await reportOf(composePlatform({ plugins, logLevel: "silent" }));
    expect(report).toContain(
      '✗ compose: [PLUGIN_TYPE_CLASH] The plugin "alpha" cannot add to the graph: the type "Thing" does not start with "Alpha".',
    );
    expect(report).toContain(
      '✗ compose: [PLUGIN_TYPE_CLASH] The plugin "beta" cannot add to the graph: the type "Thread" is reserved for "chat".',
    );
    expect(report).toContain(
      "→ Start new type names, and fields of events and errors, with the plugin's id; only the owner of a contract name may define it.",
    );
  });

  it("keeps the types of a disabled plugin", async () => {
    const alpha = definePlugin({ id: "alpha", schema: object("AlphaThing") });
    const { composition } = await composePlatform({ plugins: alpha(undefined, { disabled: true }), logLevel: "silent" });
    expect(composition.schema.getType("AlphaThing")).toBeDefined();
  });

  it("hands each schema the configuration of its plugin", async () => {
    const config = z.object({ field: z.string().default("alphaPlain") });
    const alpha = definePlugin({ id: "alpha", config, schema: (builder, { field }) => query(field)(builder) });
    const fieldsOf = async (entry: ReturnType<typeof alpha>): Promise<string[]> =>
      Object.keys((await composePlatform({ plugins: entry, logLevel: "silent" })).composition.schema.getQueryType()?.getFields() ?? {});
    expect(await fieldsOf(alpha())).toContain("alphaPlain");
    expect(await fieldsOf(alpha({ field: "alphaNamed" }))).toContain("alphaNamed");
  });
});
