import { describe, expect, it } from "vitest";
import { memoryService, type MemoryScope, type RecallRequest } from "../../../src/core/index.ts";
import { memory } from "../../../src/plugins/index.ts";
import { testViewer, type TestPlatform } from "../../../src/testing/index.ts";
import { remembering } from "./world.ts";

const tenants = 10;
const users = 10;
const facts = 8;
const everybody = Array.from({ length: tenants * users }, (_, at) =>
  testViewer(`user-${at}`, { tenantId: `tenant-${at % tenants}`, roles: at < tenants ? ["admin"] : [] }),
);

const scopes: readonly MemoryScope[] = ["USER", "TENANT", "AGENT", "THREAD", "WORKFLOW"];

function recall(app: TestPlatform, request: Omit<RecallRequest, "signal">) {
  return app.platform.host.use(memoryService).recall({ ...request, signal: new AbortController().signal });
}

describe("a search", () => {
  it("of any viewer finds nothing of another user or tenant, however alike the words are", { timeout: 120_000 }, async () => {
    await using world = await remembering(memory({ embedder: "lexical-hash-384" }));
    const ownerOf = new Map<string, string>();
    for (const viewer of everybody) {
      const kept = await Promise.all(
        Array.from({ length: facts }, (_, n) =>
          world.keep(`The password of ${viewer.actorId} number ${n} is a secret.`, { scope: "USER" }, {}, viewer),
        ),
      );
      for (const { id } of kept) ownerOf.set(id, viewer.actorId);
      if (!viewer.roles.includes("admin")) continue;
      const shared = await world.keep(`The secret password of all in ${viewer.tenantId}.`, { scope: "TENANT" }, {}, viewer);
      ownerOf.set(shared.id, viewer.tenantId);
    }
    let hits = 0;
    for (const viewer of everybody) {
      const found =
        (await world.search("secret password number 3", { scopes: [{ scope: "USER" }, { scope: "TENANT" }], limit: 100 }, viewer)) ?? [];
      hits += found.length;
      const owners = new Set(found.map(({ record }) => ownerOf.get(record.id)));
      expect(owners).toEqual(new Set([viewer.actorId, viewer.tenantId]));
      const run = { id: "r", rootId: "r", tenantId: viewer.tenantId, ownerId: viewer.actorId, threadId: "t", agentId: "a" };
      const recalled = await recall(world.app, { run, scopes, limit: 50, query: "secret password" });
      const texts = recalled.map(({ text }) => text);
      expect(texts.every((text) => text.includes(`of ${viewer.actorId} `) || text.includes(`in ${viewer.tenantId}.`))).toBe(true);
      expect(texts).toHaveLength(facts + 1);
    }
    expect(hits).toBe(everybody.length * (facts + 1));
  });
});
