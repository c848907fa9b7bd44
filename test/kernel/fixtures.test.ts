import { rmSync } from "node:fs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginList } from "../../src/core/kernel/spec.ts";
import { composePlatform, createPlatform } from "../../src/core/platform.ts";
import { afterAll, describe, expect, it } from "vitest";
import { withCycle } from "../fixtures/plugins/with-cycle.ts";
import { withDuplicateService } from "../fixtures/plugins/with-duplicate-service.ts";
import { withEntity, withLooseEntity, withTwinEntity } from "../fixtures/plugins/with-entity.ts";
import { withMissingDep } from "../fixtures/plugins/with-missing-dep.ts";
import { pads, rocketService, withThrowingSetup } from "../fixtures/plugins/with-throwing-setup.ts";
import { reportOf } from "./boot.ts";

const dataDir = mkdtempSync(join(tmpdir(), "weftline-fixtures-"));
afterAll(() => rmSync(dataDir, { recursive: true }));

const composing = (plugins: PluginList) => composePlatform({ plugins, logLevel: "silent" });
const booting = (plugins: PluginList) => createPlatform({ plugins, dataDir, logLevel: "silent" });

/** What a user reads at the terminal, by the plugins in the list: the whole text. */
describe("the report of a boot with", () => {
  it("plugins that require each other", async () => {
    expect(await reportOf(composing(withCycle.map((plugin) => plugin())))).toBe(
      [
        "The platform did not start.",
        "  ✗ resolve: [PLUGIN_CYCLE] Plugins require each other in a circle: hen → egg → hen.",
        "    → Break the circle with an extension point, or move the shared part to a third plugin.",
      ].join("\n"),
    );
  });

  it("a plugin that requires what nobody provides", async () => {
    expect(await reportOf(composing(withMissingDep()))).toBe(
      [
        "The platform did not start.",
        '  ✗ resolve: [SERVICE_MISSING] "alarm" requires the service "clock.clock", which no plugin provides.',
        "    → Add a plugin that provides it, or mark the requirement optional(…).",
      ].join("\n"),
    );
  });

  it("two plugins that provide one service", async () => {
    expect(await reportOf(composing(withDuplicateService.map((plugin) => plugin())))).toBe(
      [
        "The platform did not start.",
        '  ✗ resolve: [SERVICE_DUPLICATE] The service "mail.mail" is provided by "post" and by "pigeon".',
        "    → Remove one of the two plugins.",
      ].join("\n"),
    );
  });

  it("entities that stand in the way, of all plugins at once", async () => {
    expect(await reportOf(composing([withEntity(), withLooseEntity(), withTwinEntity()]))).toBe(
      [
        "The platform did not start.",
        '  ✗ compose: [PLUGIN_ENTITY_RULE] The entity "Loose" of "archive" is PRIVATE but has no ownerId.',
        "    → Add the strings tenantId and ownerId to it, or declare it INTERNAL.",
        '  ✗ compose: [PLUGIN_TABLE_PREFIX] The plugin "archive" declares the table "loose".',
        '    → Prefix a plugin\'s tables with its id, as in "archive_loose".',
        '  ✗ compose: [PLUGIN_ENTITY_CLASH] Both "library" and "cellar" declare an entity named "Shelf".',
        "    → Rename one of them: an entity's name is unique in the host.",
      ].join("\n"),
    );
    expect((await composing(withEntity())).composition.entities.map(({ schema }) => schema.meta.className)).toContain("Shelf");
  });

  it("a plugin whose setup throws, which is closed before the report is read", async () => {
    const journal: string[] = [];
    expect(await reportOf(booting(withThrowingSetup(journal)()))).toBe(
      [
        "The platform did not start.",
        '  ✗ setup: [PLUGIN_SETUP_FAILED] The setup of "rocket" failed: no fuel',
        "    → Mend what the message names, or mark the entry optional: plugin({}, { optional: true }).",
      ].join("\n"),
    );
    expect(journal).toEqual(["rocket opens", "rocket closes"]);
  });

  it("the same as an optional entry: none, and the platform runs without it", async () => {
    const journal: string[] = [];
    const platform = await booting(withThrowingSetup(journal)(undefined, { optional: true }));
    expect(platform.kernel.registry.contributions(pads).size).toBe(0);
    expect(() => platform.use(rocketService)).toThrow("The service rocket.rocket is not available");
    await platform.close();
    expect(journal).toEqual(["rocket opens", "rocket closes"]);
  });
});
