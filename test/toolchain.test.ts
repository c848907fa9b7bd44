import { buildSchema, GraphQLSchema, printSchema } from "graphql";
import { definePlugin } from "#weftline";
import { describe, expect, it } from "vitest";
import { composePlatform } from "../src/core/platform.ts";

const hello = definePlugin({
  id: "hello",
  schema: (builder) => builder.queryField("helloGreeting", (t) => t.string({ description: "A greeting.", resolve: () => "Hello" })),
});

describe("the toolchain", () => {
  it("runs tests on the Node that the package pins", () => {
    expect(Number(process.versions.node.split(".")[0])).toBeGreaterThanOrEqual(24);
  });

  it("gives tests and packages one and the same graphql", async () => {
    const { composition } = await composePlatform({ plugins: [hello()], logLevel: "silent" });
    expect(composition.schema).toBeInstanceOf(GraphQLSchema);
    expect(printSchema(composition.schema)).toContain("helloGreeting");
    expect(buildSchema("type Query { a: Int }")).toBeInstanceOf(GraphQLSchema);
  });

  it("resolves #weftline to the sources, once", async () => {
    const byPath = await import("../src/core/index.ts");
    expect(byPath.definePlugin).toBe(definePlugin);
  });
});
