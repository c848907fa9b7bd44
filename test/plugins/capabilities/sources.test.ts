import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { definePlugin, toolSources, type ToolDefinition, type ToolSource } from "../../../src/core/index.ts";
import { agents } from "../../../src/plugins/agents/index.ts";
import { capabilities } from "../../../src/plugins/capabilities/index.ts";
import { health } from "../../../src/plugins/health/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { collect, scriptModel, testPlatform, type TestPlatform } from "../../../src/testing/index.ts";

/** A server of tools that a test connects, fills and takes away. */
class Workshop implements ToolSource {
  #tools: readonly ToolDefinition[] = [];
  readonly #listeners = new Set<() => void>();
  connected: Promise<void> | undefined;
  status: ReturnType<ToolSource["health"]> = { status: "UP" };
  readonly calls: unknown[] = [];

  tool(name: string, rest: Partial<ToolDefinition> = {}): ToolDefinition {
    return {
      name,
      description: `Does ${name}.`,
      inputSchema: { type: "object" },
      sideEffects: "READ",
      approval: "NEVER",
      idempotent: true,
      timeoutMs: 1_000,
      execute: (args) => {
        this.calls.push(args);
        return `${name} done`;
      },
      ...rest,
    };
  }

  offer(...tools: readonly ToolDefinition[]): void {
    this.#tools = tools;
    for (const listener of this.#listeners) listener();
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  list = (): readonly ToolDefinition[] => this.#tools;
  health = (): ReturnType<ToolSource["health"]> => this.status;
  ready = async (): Promise<void> => this.connected;
  onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

function sourced(source: ToolSource, key = "shop") {
  return definePlugin({
    id: "workshop",
    setup: ({ contribute }) => {
      contribute(toolSources, key, source);
      return {};
    },
  })();
}

const script = () =>
  scriptModel([
    { match: "saw", toolCalls: [{ name: "shop.saw", arguments: { wood: "oak" } }] },
    { match: "saw", reply: "Sawn." },
  ]);

function platformWith(source: ToolSource): Promise<TestPlatform> {
  const plugins = [models({ default: "script", bindings: {} }), script(), capabilities(), agents(), openai(), health(), sourced(source)];
  return testPlatform({ plugins });
}

interface Component {
  readonly name: string;
  readonly status: string;
  readonly detail: string | null;
}

async function toolsHealth(app: TestPlatform): Promise<Partial<Component>> {
  const { health: all } = await app.graphql<{ health: { components: Component[] } }>("{ health { components { name status detail } } }");
  return all.components.find(({ name }) => name === "tools") ?? {};
}

async function toolNames(app: TestPlatform): Promise<string[]> {
  const { capabilities: all } = await app.graphql<{ capabilities: { nodes: { name: string; plugin: string }[] } }>(
    '{ capabilities(search: "shop.") { nodes { name plugin } } }',
  );
  expect(all.nodes.every(({ plugin }) => plugin === "workshop")).toBe(true);
  return all.nodes.map(({ name }) => name);
}

async function createAgent(app: TestPlatform, names: readonly string[]): Promise<void> {
  const made = await app.graphql<{ createAgent: { __typename: string } }>(
    'mutation ($names: [String!]) { createAgent(input: { name: "joiner", framework: "openai", capabilities: $names }) { __typename } }',
    { names },
  );
  expect(made.createAgent.__typename).toBe("CreateAgentPayload");
}

async function missing(app: TestPlatform): Promise<string[]> {
  const { agent } = await app.graphql<{ agent: { missingCapabilities: string[] } }>(
    '{ agent(ref: { name: "joiner" }) { missingCapabilities } }',
  );
  return agent.missingCapabilities;
}

async function startRun(app: TestPlatform): Promise<string> {
  const { startRun: started } = await app.graphql<{ startRun: { run: { id: string } } }>(
    'mutation { startRun(input: { target: { agent: { name: "joiner" } }, text: "saw" }) { ... on StartRunPayload { run { id } } } }',
  );
  return started.run.id;
}

async function finished(app: TestPlatform, id: string): Promise<{ status: string; text: string; steps: { nodes: { name: string }[] } }> {
  await collect(app.subscribe("subscription ($id: ID!) { runEvents(run: $id, after: 0) { seq } }", { id }));
  const { run } = await app.graphql<{ run: { status: string; text: string; steps: { nodes: { name: string }[] } } }>(
    "query ($id: ID!) { run(id: $id) { status text steps { nodes { name } } } }",
    { id },
  );
  return run;
}

describe("a source of tools", () => {
  it("brings tools after boot, under its name, and takes them away again", async () => {
    const shop = new Workshop();
    await using app = await platformWith(shop);
    await createAgent(app, ["shop.saw", "time.now"]);
    expect(await missing(app)).toEqual(["shop.saw"]);
    shop.offer(shop.tool("saw"), shop.tool("drill"));
    expect(await toolNames(app)).toEqual(["shop.drill", "shop.saw"]);
    expect(await missing(app)).toEqual([]);
    expect(await finished(app, await startRun(app))).toMatchObject({ status: "SUCCEEDED", text: "Sawn." });
    expect(shop.calls).toEqual([{ wood: "oak" }]);
    shop.offer();
    expect(await toolNames(app)).toEqual([]);
    expect(await missing(app)).toEqual(["shop.saw"]);
  });

  it("is heard of in changes: what came, what is another now, what went, and nothing of what stayed", async () => {
    const shop = new Workshop();
    await using app = await platformWith(shop);
    const id = (name: string): string => Buffer.from(`Tool:${name}`).toString("base64url");
    const events = await app.subscribe<{ changes: { kind: string; nodeId: string | null } }>(
      'subscription { changes(typeNames: ["Tool"]) { kind nodeId } }',
    );
    shop.offer(shop.tool("saw"), shop.tool("drill"));
    expect(await collect(events, { until: ({ changes }) => changes.nodeId === id("shop.drill") })).toEqual([
      { changes: { kind: "RESYNC", nodeId: null } },
      { changes: { kind: "CREATED", nodeId: id("shop.saw") } },
      { changes: { kind: "CREATED", nodeId: id("shop.drill") } },
    ]);
    const later = await app.subscribe<{ changes: { kind: string; nodeId: string | null } }>(
      'subscription { changes(typeNames: ["Tool"]) { kind nodeId } }',
    );
    shop.offer(shop.tool("saw"), shop.tool("drill", { description: "Drills deeper." }));
    shop.offer(shop.tool("drill", { description: "Drills deeper." }));
    expect((await collect(later, { until: ({ changes }) => changes.kind === "DELETED" })).slice(1)).toEqual([
      { changes: { kind: "UPDATED", nodeId: id("shop.drill") } },
      { changes: { kind: "DELETED", nodeId: id("shop.saw") } },
    ]);
  });

  it("is waited for by a run that names its tools while it is still connecting", async () => {
    const shop = new Workshop();
    const { promise, resolve } = Promise.withResolvers<void>();
    shop.connected = promise;
    await using app = await platformWith(shop);
    await createAgent(app, ["shop.saw"]);
    const run = await startRun(app);
    await sleep(50);
    shop.offer(shop.tool("saw"));
    resolve();
    expect(await finished(app, run)).toMatchObject({ status: "SUCCEEDED", text: "Sawn." });
    expect(shop.calls).toHaveLength(1);
  });

  it("loses only those of its tools that no agent could use", async () => {
    const shop = new Workshop();
    await using app = await platformWith(shop);
    shop.offer(
      shop.tool("saw"),
      shop.tool("saw"),
      shop.tool("with space"),
      shop.tool("vague", { inputSchema: { type: "objekt" } }),
      shop.tool("odd", { inputSchema: { type: "object", properties: { wood: { type: "strng" } } } }),
      shop.tool("endless", { inputSchema: { type: "object", description: "x".repeat(70_000) } }),
    );
    expect(await toolNames(app)).toEqual(["shop.odd", "shop.saw"]);
    const { status, detail } = await toolsHealth(app);
    expect(status).toBe("UP");
    for (const words of [
      "shop.saw is left out: its name is taken",
      "shop.with space is left out: its name is not",
      "shop.vague is left out: its inputSchema has to say",
      "shop.endless is left out: its inputSchema is not valid: it has more than",
      'shop.odd is partly unchecked: of its inputSchema, "wood" is not checked: ',
    ])
      expect(detail).toContain(words);
    shop.list = () => {
      throw new Error("gone");
    };
    shop.offer();
    expect(await toolNames(app)).toEqual([]);
  });

  it("shows in health how it stands", async () => {
    const shop = new Workshop();
    await using app = await platformWith(shop);
    expect(await toolsHealth(app)).toEqual({ name: "tools", status: "UP", detail: null });
    shop.status = { status: "DOWN", detail: "no answer from the workshop; is it open?" };
    expect(await toolsHealth(app)).toEqual({
      name: "tools",
      status: "DEGRADED",
      detail: "shop is DOWN: no answer from the workshop; is it open?",
    });
  });

  it("is left alone when the platform closes", async () => {
    const shop = new Workshop();
    const app = await platformWith(shop);
    expect(shop.listeners).toBe(1);
    await app.close();
    expect(shop.listeners).toBe(0);
  });

  it("refuses to boot under a name that no tool could begin with", async () => {
    await expect(testPlatform({ plugins: [capabilities(), sourced(new Workshop(), "a.b")] })).rejects.toThrow(
      /CAPABILITY_INVALID.*source of tools "a.b" of "workshop": its name/s,
    );
  });
});
