import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as spec from "../../src/core/kernel/spec.ts";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { definePlugin } from "#weftline";
import { describe, expect, it } from "vitest";
import { boot, kernelOf, reportOf } from "./boot.ts";

const one = definePlugin({ id: "one" });
const two = definePlugin({ id: "two" });
const three = definePlugin({ id: "three" });

const idsOf = async (list: Parameters<typeof boot>[0]): Promise<string[]> => (await boot(list)).plugins.map(({ spec }) => spec.id);

/** A Standard Schema by hand: a port, as a number or as text. */
const port: StandardSchemaV1<number | string | undefined, number> = {
  "~standard": {
    version: 1,
    vendor: "by-hand",
    validate: async (value) => {
      const number = Number(value ?? 80);
      return Number.isInteger(number) ? { value: number } : { issues: [{ message: "is no port", path: [{ key: "port" }, 0] }] };
    },
  },
};

describe("a plugins list", () => {
  it("may nest, hold promises, and hold nothing", async () => {
    expect(await idsOf([one(), [two(), [[three()]]], false, null, undefined, []])).toEqual(["one", "two", "three"]);
    expect(await idsOf(Promise.resolve([Promise.resolve(one()), Promise.resolve([two(), false])]))).toEqual(["one", "two"]);
    expect(await idsOf([])).toEqual([]);
    expect(await idsOf(null)).toEqual([]);
    expect(await idsOf(one())).toEqual(["one"]);
  });

  it("refuses a plugin of another copy of the host, and names both", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weftline-copy-"));
    cpSync(join(import.meta.dirname, "../../src/core/kernel/spec.ts"), join(folder, "core/kernel/spec.ts"));
    const copy = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "core/kernel/spec.ts")).href)) as typeof spec;
    const report = await reportOf(boot([one(), copy.createFactory({ id: "two" })() as never]));
    expect(report).toContain(`[HOST_MIXED] The plugin "two" was made by another copy of Weftline (${pathToFileURL(folder).href}/)`);
    expect(report).toContain("npm ls weftline");
    rmSync(folder, { recursive: true });
  });

  it("keeps its order, whichever promise is first", async () => {
    const slow = new Promise<ReturnType<typeof one>>((resolve) => void setTimeout(() => resolve(one()), 10));
    expect(await idsOf([slow, Promise.resolve(two()), three()])).toEqual(["one", "two", "three"]);
  });

  it.each([
    ["a factory that was not called", [one], "[0]", "the function one itself", "Call it: one()."],
    ["a function of its own", [function loader() {}], "[0]", "the function loader itself", "Call it: loader()."],
    ["a whole configuration", [one(), { plugins: [two()] }], "[1]", "a whole configuration", "Spread its list: ...config.plugins."],
    ["a module", [one(), [two(), import("../fixtures/plugins/with-missing-dep.ts")]], "[1][1]", "a module", "Pick its plugin:"],
    ["a specification", [{ id: "four" }], "[0]", "an object", "Define it and call the factory: definePlugin({ … })()."],
    ["a text", ["agents"], "[0]", "a string", "List what a plugin's factory returns"],
    ["not even a list", 42, "(the list itself)", "a number", "List what a plugin's factory returns"],
  ])("refuses %s, and says what was meant", async (_, list, index, got, fix) => {
    const report = await reportOf(boot(list as never));
    expect(report).toContain(`[NOT_A_PLUGIN] Entry ${index} of the plugins list is not a plugin: ${got}.`);
    expect(report).toContain(`→ ${fix}`);
  });

  it("names all that is no plugin at once, and a promise that failed by its words", async () => {
    const late = new Promise<never>((_, reject) => void setTimeout(() => reject(new Error("Cannot find package 'agents'")), 5));
    const slow = new Promise<ReturnType<typeof one>>((resolve) => void setTimeout(() => resolve(one()), 15));
    const report = await reportOf(boot([slow, late, one, "two"] as never));
    expect(report).toContain("Entry [1] of the plugins list is not a plugin: a promise that failed with: Cannot find package 'agents'.");
    expect(report).toContain("Entry [2] of the plugins list is not a plugin: the function one itself.");
    expect(report).toContain("Entry [3] of the plugins list is not a plugin: a string.");
  });

  it("counts from its own start, whatever the host puts before it", async () => {
    const report = await reportOf(boot([one] as never, { hostPlugins: [two()] }));
    expect(report).toContain("Entry [0] of the plugins list");
    const kernel = await boot([one()], { hostPlugins: [two()] });
    expect(kernel.plugins.map(({ spec }) => spec.id)).toEqual(["two", "one"]);
  });
});

describe("a factory", () => {
  it("knows its id and makes entries that nobody can change", () => {
    expect(one.id).toBe("one");
    const entry = one(undefined, { optional: true });
    expect(entry).toMatchObject({ spec: { id: "one" }, options: undefined, optional: true });
    expect(Object.isFrozen(one)).toBe(true);
    expect(Object.isFrozen(entry)).toBe(true);
    expect(Object.isFrozen(entry.spec)).toBe(true);
  });

  it("makes entries for any number of hosts in one process", async () => {
    const setUp: string[] = [];
    const named = definePlugin({
      id: "named",
      config: z.object({ name: z.string() }),
      setup: ({ config }) => void setUp.push(config.name),
    });
    const entry = named({ name: "twice" });
    await Promise.all([boot(entry), boot(entry), boot(named({ name: "once" }))]);
    expect(setUp.toSorted()).toEqual(["once", "twice", "twice"]);
  });

  it("runs nothing of the plugin before the boot", () => {
    const touched: string[] = [];
    const config: StandardSchemaV1 = {
      "~standard": { version: 1, vendor: "by-hand", validate: (value) => (touched.push("config"), { value }) },
    };
    const shy = definePlugin({ id: "shy", config, schema: () => void touched.push("schema"), setup: () => void touched.push("setup") });
    kernelOf([shy()]);
    expect(touched).toEqual([]);
  });
});

describe("the configuration of a plugin", () => {
  const configOf = async (entry: ReturnType<typeof one>): Promise<unknown> => (await boot(entry)).plugins[0]?.config;
  const zoo = definePlugin({ id: "zoo", config: z.object({ name: z.string().default("bear"), legs: z.coerce.number().default(4) }) });

  it("is what the schema makes of the options", async () => {
    expect(await configOf(zoo({ name: "hen", legs: "2" }))).toEqual({ name: "hen", legs: 2 });
  });

  it("is made of the defaults where the options are left out", async () => {
    expect(await configOf(zoo())).toEqual({ name: "bear", legs: 4 });
    expect(await configOf(definePlugin({ id: "name", config: z.string().default("bear") })())).toBe("bear");
    expect(await configOf(definePlugin({ id: "maybe", config: z.object({ a: z.number() }).optional() })())).toBeUndefined();
  });

  it("is nothing where the plugin has no schema", async () => {
    expect(await configOf(one())).toBeUndefined();
  });

  it("may be validated by any Standard Schema, also in its own time", async () => {
    const server = definePlugin({ id: "server", config: port });
    expect(await configOf(server("8080"))).toBe(8080);
    expect(await configOf(server())).toBe(80);
    expect(await reportOf(boot(server("http" as never)))).toContain(
      '[PLUGIN_CONFIG_INVALID] The configuration of "server" is not valid: port.0: is no port.',
    );
  });

  it("fails the boot with each field that is wrong, of each plugin", async () => {
    const strict = definePlugin({ id: "strict", config: z.object({ key: z.string(), deep: z.object({ size: z.number() }) }) });
    const report = await reportOf(boot([strict({ key: 1, deep: { size: "x" } } as never), zoo({ name: 2 } as never), one()]));
    expect(report).toMatch(
      /configure: \[PLUGIN_CONFIG_INVALID\] The configuration of "strict" is not valid: key: .*string.*; deep\.size: .*number/,
    );
    expect(report).toMatch(/configure: \[PLUGIN_CONFIG_INVALID\] The configuration of "zoo" is not valid: name: /);
    expect(report).toContain("→ Correct the plugin's options in plugins.config.ts.");
  });

  it("names the fields that are missing where the options are left out", async () => {
    const strict = definePlugin({ id: "strict", config: z.object({ key: z.string() }) });
    expect(await reportOf(boot((strict as unknown as typeof one)()))).toContain('The configuration of "strict" is not valid: key: ');
  });

  it("fails the boot with the plugin's name where the schema itself throws", async () => {
    const config: StandardSchemaV1 = {
      "~standard": {
        version: 1,
        vendor: "by-hand",
        validate: () => {
          throw new Error("schema is broken");
        },
      },
    };
    expect(await reportOf(boot(definePlugin({ id: "broken", config })()))).toContain(
      '[PLUGIN_CONFIG_INVALID] The configuration of "broken" is not valid: schema is broken.',
    );
  });

  it("is validated for a disabled plugin too, since its tables and types stay", async () => {
    expect((await boot(zoo({ legs: 3 }, { disabled: true }))).plugins[0]).toMatchObject({ config: { name: "bear", legs: 3 } });
  });
});
