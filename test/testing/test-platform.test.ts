import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Actor, changesService, createChannel, definePlugin, perEvent } from "#weftline";
import { afterEach, describe, expect, it, vi } from "vitest";
import { collect, testPlatform, testViewer } from "../../src/testing/index.ts";

const bob = testViewer("bob");

/** Remembers who wrote, counts, and fails on demand. */
const probe = definePlugin({
  id: "probe",
  requires: { changes: changesService },
  schema: (builder) => {
    builder.queryField("probeActors", (t) =>
      t.stringList({
        description: "Who wrote.",
        resolve: async (_, __, scope) => (await scope.em.find(Actor, {}, { orderBy: { id: "asc" } })).map(({ id }) => id),
      }),
    );
    builder.mutationField("probeWrite", (t) =>
      t.boolean({
        description: "Writes as the viewer.",
        resolve: (_, __, scope) =>
          scope.write(async (tx) => {
            const { tenantId, actorId } = scope.viewer;
            tx.afterCommit(() => scope.use(changesService).publish({ kind: "CREATED", typeName: "Probe", id: actorId, tenantId }));
            return true;
          }),
      }),
    );
    builder.subscriptionField("probeCount", (t) =>
      t.int({
        nullable: false,
        description: "Counts.",
        args: { to: t.arg.int({ required: true, description: "The last number." }) },
        subscribe: (_, { to }, scope) => {
          const channel = createChannel<number>();
          for (let at = 1; at <= to; at++) channel.push(at);
          return perEvent(scope, channel);
        },
        resolve: (count) => {
          if (count === 4) throw new Error("four is too many");
          return count as number;
        },
      }),
    );
  },
});

const folders: string[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

describe("testPlatform", () => {
  it("boots migrated in a folder of its own and leaves nothing behind", async () => {
    const app = await testPlatform({ plugins: [probe()] });
    expect(await app.graphql("{ viewer { name roles } probeActors }")).toEqual({ viewer: { name: "Tester", roles: [] }, probeActors: [] });
    expect(existsSync(join(app.dataDir, "weftline.db"))).toBe(true);
    await app.close();
    expect(existsSync(app.dataDir)).toBe(false);
  });

  it("removes its folder where the boot fails", async () => {
    const failing = definePlugin({
      id: "failing",
      setup: () => {
        throw new Error("no");
      },
    });
    const own = mkdtempSync(join(tmpdir(), "weftline-own-"));
    folders.push(own);
    vi.stubEnv("TMPDIR", own);
    await expect(testPlatform({ plugins: [failing()] })).rejects.toMatchObject({ code: "BOOT_FAILED" });
    expect(readdirSync(own)).toEqual([]);
  });

  it("runs operations as the viewer that is named", async () => {
    await using app = await testPlatform({ plugins: [probe()] });
    await app.graphql("mutation { probeWrite }");
    await app.graphql("mutation { probeWrite }", {}, bob);
    await app.graphql("mutation { probeWrite }", {}, testViewer("eve", { tenantId: "other" }));
    expect(await app.graphql("{ viewer { name } probeActors }", {}, bob)).toEqual({
      viewer: { name: "bob" },
      probeActors: ["bob", "tester"],
    });
  });

  it("throws GraphQL errors", async () => {
    await using app = await testPlatform({ plugins: [probe()] });
    await expect(app.graphql("{ nothingLikeThis }")).rejects.toThrow('Cannot query field "nothingLikeThis"');
    await expect(app.subscribe("subscription { probeCount }")).rejects.toThrow("to");
    const counting = await app.subscribe("subscription { probeCount(to: 5) }");
    await expect(collect(counting)).rejects.toThrow("probeCount");
  });

  it("hears what happens after a subscription is open", async () => {
    await using app = await testPlatform({ plugins: [probe()] });
    const changes = await app.subscribe<{ changes: { kind: string; typeName: string } }>(
      'subscription { changes(typeNames: ["Probe"]) { kind typeName } }',
    );
    await app.graphql("mutation { probeWrite }");
    const heard = await collect(changes, { until: (event) => event.changes.kind === "CREATED" });
    expect(heard.map((event) => event.changes.kind)).toEqual(["RESYNC", "CREATED"]);
  });

  it("lets the viewers that it was given in over the network, and nobody else", async () => {
    await using app = await testPlatform({ plugins: [probe()], viewers: [bob] });
    const ask = async (token: string): Promise<unknown> => {
      const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
      const response = await fetch(app.url ?? "", { method: "POST", headers, body: JSON.stringify({ query: "{ viewer { name } }" }) });
      return response.json();
    };
    expect(await ask("bob")).toEqual({ data: { viewer: { name: "bob" } } });
    expect(await ask("eve")).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] });
    await app.restart();
    expect(await ask("bob")).toEqual({ data: { viewer: { name: "bob" } } });
  });

  it("keeps the data over a restart, and a named folder over a close", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "weftline-kept-"));
    folders.push(dataDir);
    const app = await testPlatform({ plugins: [probe()], dataDir });
    const first = app.platform;
    await app.graphql("mutation { probeWrite }");
    await app.restart();
    expect(app.platform).not.toBe(first);
    expect(await app.graphql("{ probeActors }")).toEqual({ probeActors: ["tester"] });
    await app.close();
    await using again = await testPlatform({ plugins: [probe()], dataDir });
    expect(await again.graphql("{ probeActors }")).toEqual({ probeActors: ["tester"] });
  });
});

describe("collect", () => {
  it("reads up to the end", async () => {
    const channel = createChannel<number>();
    channel.push(1);
    channel.push(2);
    channel.end();
    expect(await collect(channel)).toEqual([1, 2]);
  });

  it("stops at the value that is asked for, and closes the stream", async () => {
    const closed: string[] = [];
    const channel = createChannel<number>(() => closed.push("closed"));
    for (const value of [1, 2, 3]) channel.push(value);
    expect(await collect(channel, { until: (value, all) => value === 2 && all.length === 2 })).toEqual([1, 2]);
    expect(closed).toEqual(["closed"]);
  });

  it("says what came where the stream takes too long", async () => {
    const channel = createChannel<{ a: number }>();
    channel.push({ a: 1 });
    await expect(collect(channel, { timeoutMs: 20 })).rejects.toThrow('It gave 1:\n  {"a":1}');
  });
});
