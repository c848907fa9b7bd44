import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineEntity } from "@mikro-orm/core";
import { Migration } from "@mikro-orm/migrations";
import { definePlugin, owned } from "#weftline";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createPlatform } from "../../src/core/platform.ts";
import { testPlatform } from "../../src/testing/index.ts";

describe("a host that cannot listen", () => {
  let folder: string;
  const taken = createServer();
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "weftline-boot-"));
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => {
    taken.close();
    rmSync(folder, { recursive: true });
  });

  const open = { host: "0.0.0.0", port: 0 };
  const inUse = () => ({ host: "127.0.0.1", port: (taken.address() as AddressInfo).port });
  it.each([
    ["ADDRESS_IN_USE", inUse],
    ["ADDRESS_UNUSABLE", () => ({ host: "999.1.1.1", port: 0 })],
    ["BIND_WITHOUT_AUTH", () => open],
  ])("says %s before any plugin begins", async (code, server) => {
    const began = vi.fn<() => void>();
    const plugin = definePlugin({ id: "eager", setup: ({ onReady }) => onReady(began) });
    const boot = createPlatform({ plugins: [plugin()], server: server(), dataDir: folder, logLevel: "silent" }, { listening: "intended" });
    await expect(boot).rejects.toThrow(`✗ serve: [${code}]`);
    expect(began).not.toHaveBeenCalled();
  });
});

describe("an entity that changed without a migration", () => {
  const NoteSchema = defineEntity({
    name: "DeskNote",
    tableName: "desk_note",
    properties: (p) => ({ id: p.string().primary(), tenantId: p.string(), ownerId: p.string(), dueAt: p.bigint() }),
  });
  class Initial extends Migration {
    override up(): void {
      this.addSql("create table desk_note (id text primary key, tenant_id text not null, owner_id text not null)");
    }
  }
  const desk = definePlugin({
    id: "desk",
    entities: [owned(NoteSchema, { rule: "PRIVATE" })],
    migrations: { "202611290900_initial": Initial },
  });

  it("is refused in production, with the columns and the commands", async () => {
    const boot = testPlatform({ plugins: [desk()], mode: "production" });
    await expect(boot).rejects.toThrow(
      "[MIGRATION_MISSING] The entities declare what no migration makes: desk_note.due_at.\n    → Run: weftline migrate new --plugin <id>",
    );
  });

  it("is a warning in development", async () => {
    await using app = await testPlatform({ plugins: [desk()] });
    expect(app.platform.kernel.report.problems).toEqual([]);
  });
});
