import { readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { expect, it } from "vitest";
import { exampleTabs } from "../../src/core/graphql/graphiql-examples.ts";

it("opens GraphiQL with tabs that the graph accepts as they are", () => {
  const schema = buildSchema(readFileSync("schema.graphql", "utf8"));
  for (const { query } of exampleTabs) expect(validate(schema, parse(query)), query).toEqual([]);
});
