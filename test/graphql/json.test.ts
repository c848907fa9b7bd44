import { graphql } from "graphql";
import { expect, test } from "vitest";
import { composeSchema } from "../../src/core/graphql/schema.ts";

const { schema } = composeSchema([
  {
    plugin: "echo",
    add: (builder) => {
      builder.queryField("echo", (t) =>
        t.field({ type: "JSON", args: { value: t.arg({ type: "JSON", required: true }) }, resolve: (_, { value }) => value }),
      );
      // A graph has fields at each of its roots.
      builder.mutationField("echoChange", (t) => t.boolean({ resolve: () => true }));
      builder.subscriptionField("echoEvents", (t) => t.boolean({ subscribe: async function* () {}, resolve: () => true }));
    },
  },
]);

const said = async (value: unknown) => {
  const result = await graphql({ schema, source: "query ($value: JSON!) { echo(value: $value) }", variableValues: { value } });
  return result.errors?.[0]?.message ?? result.data?.["echo"];
};

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 ? [value] : { a: value };
  return value;
}

test("any JSON value passes as it is", async () => {
  for (const value of [0, "", false, [], {}, [1, { a: null }], nested(100)]) expect(await said(value)).toEqual(value);
});

test("a value that nests too deep is refused before anything reads it", async () => {
  expect(await said(nested(101))).toContain("A JSON value nests at most 100 deep.");
  expect(await said(nested(100_000))).toContain("nests at most 100 deep");
});

test("a literal that JSON has no number for is refused", async () => {
  const { errors } = await graphql({ schema, source: "{ echo(value: { a: [1e999] }) }" });
  expect(errors?.[0]?.message).toContain("A JSON number is finite.");
});
