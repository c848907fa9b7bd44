import { describe, expect, it } from "vitest";
import { contribution, definePlugin, skills, tools } from "../../../src/core/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";

const research = definePlugin({
  id: "research",
  contributes: [
    contribution(skills, "research.brief", {
      name: "research.brief",
      description: "Writes briefs.",
      instructions: "Be brief.",
      tools: ["time.now", "gone"],
    }),
    contribution(tools, "research.lookup", {
      name: "research.lookup",
      description: "Looks things up.",
      inputSchema: { type: "object" },
      sideEffects: "READ",
      approval: "NEVER",
      idempotent: true,
      timeoutMs: 90_000,
      execute: () => null,
    }),
  ],
});

type Named = { readonly nodes: readonly { readonly name: string }[] };

describe("the graph of capabilities", () => {
  it("lists tools and skills with all that there is to know", async () => {
    await using app = await testPlatform({ plugins: [capabilities(), research()] });
    const { capabilities: all } = await app.graphql<{ capabilities: { nodes: Record<string, unknown>[]; totalCount: number } }>(`{
      capabilities { totalCount nodes { __typename id name kind description plugin
        ... on Tool { inputSchema outputSchema sideEffects approval idempotent timeout }
        ... on Skill { instructions tools { name } }
      } }
    }`);
    expect(all.totalCount).toBe(5);
    expect(all.nodes.map(({ name }) => name)).toEqual(["math.evaluate", "message.send", "research.brief", "research.lookup", "time.now"]);
    expect(all.nodes[1]).toMatchObject({
      __typename: "Tool",
      kind: "TOOL",
      plugin: "capabilities",
      sideEffects: "EXTERNAL",
      approval: "ALWAYS",
      idempotent: false,
      timeout: "PT10S",
      inputSchema: { required: ["to", "subject", "body"] },
    });
    expect(all.nodes[2]).toMatchObject({
      __typename: "Skill",
      kind: "SKILL",
      plugin: "research",
      instructions: "Be brief.",
      tools: [{ name: "time.now" }],
    });
    expect(all.nodes[3]).toMatchObject({ outputSchema: null, timeout: "PT1M30S" });
  });

  it("filters by sort and by text, and pages", async () => {
    await using app = await testPlatform({ plugins: [capabilities(), research()] });
    const names = async (args: string): Promise<string[]> => {
      const data = await app.graphql<{ capabilities: Named }>(`{ capabilities(${args}) { nodes { name } } }`);
      return data.capabilities.nodes.map(({ name }) => name);
    };
    expect(await names("kind: SKILL")).toEqual(["research.brief"]);
    expect(await names('search: "LOOK"')).toEqual(["research.lookup"]);
    expect(await names('kind: TOOL, search: "research"')).toEqual(["research.lookup"]);
    const first = await app.graphql<{ capabilities: { pageInfo: { endCursor: string; hasNextPage: boolean } } }>(
      "{ capabilities(first: 3) { pageInfo { endCursor hasNextPage } } }",
    );
    expect(first.capabilities.pageInfo.hasNextPage).toBe(true);
    expect(await names(`first: 3, after: "${first.capabilities.pageInfo.endCursor}"`)).toEqual(["research.lookup", "time.now"]);
  });

  it("finds each by its id, and a tool's id finds no skill", async () => {
    await using app = await testPlatform({ plugins: [capabilities(), research()] });
    const { capabilities: all } = await app.graphql<{ capabilities: { nodes: { id: string; name: string }[] } }>(
      "{ capabilities { nodes { id name } } }",
    );
    const { nodes } = await app.graphql<{ nodes: { __typename: string; id: string; name: string }[] }>(
      "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Capability { name } ... on RunTarget { name } } }",
      { ids: all.nodes.map(({ id }) => id) },
    );
    expect(nodes.map(({ id, name }) => ({ id, name }))).toEqual(all.nodes.map(({ id, name }) => ({ id, name })));
    const foreign = Buffer.from("Skill:time.now").toString("base64url");
    expect(await app.graphql("query ($id: ID!) { node(id: $id) { id } }", { id: foreign })).toEqual({ node: null });
  });

  it("refuses to boot with a tool that no agent could use, and names the plugin", async () => {
    const bad = definePlugin({
      id: "bad",
      contributes: [
        contribution(tools, "bad tool", {
          name: "bad tool",
          description: "",
          inputSchema: { type: "objekt" },
          sideEffects: "NONE",
          approval: "NEVER",
          idempotent: true,
          timeoutMs: 1,
          execute: () => null,
        }),
      ],
    });
    await expect(testPlatform({ plugins: [capabilities(), bad()] })).rejects.toThrow(
      /CAPABILITY_INVALID.*the tool "bad tool" of "bad": its name .*; the tool "bad tool" of "bad": its inputSchema is not valid/s,
    );
  });
});
