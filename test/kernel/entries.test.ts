import { definePlugin } from "#weftline";
import { describe, expect, it } from "vitest";
import { boot, reportOf } from "./boot.ts";

describe("the id of a plugin", () => {
  it.each(["a", "agents", "ag-ui", "a2a", "openai-api", "x1-2b"])("may be %s", async (id) => {
    expect((await boot(definePlugin({ id })())).plugins[0]?.spec.id).toBe(id);
  });

  it.each(["", "A", "camelCase", "snake_case", "-a", "a-", "a--b", "1a", "a b", "ä", "a.b"])('may not be "%s"', async (id) => {
    const report = await reportOf(boot(definePlugin({ id })()));
    expect(report).toContain(`[PLUGIN_ID_INVALID] The plugin id "${id}" is not kebab-case.`);
    expect(report).toContain("→ Use lower-case letters, digits and single dashes, starting with a letter.");
  });

  it("stands once in a list, a disabled one included", async () => {
    const twice = definePlugin({ id: "twice" });
    const report = await reportOf(boot([twice(), [twice(undefined, { disabled: true })]]));
    expect(report).toContain('[PLUGIN_DUPLICATE] The plugin "twice" is listed twice.');
    expect(report).toContain("→ Remove one of the two entries from plugins.config.ts.");
  });

  it("may not be that of a plugin of the host", async () => {
    const platform = definePlugin({ id: "platform" });
    expect(await reportOf(boot(platform(), { hostPlugins: [platform()] }))).toContain('The plugin "platform" is listed twice.');
  });
});

describe("the host that a plugin asks for", () => {
  it.each(["^1.0.0", ">=1.4", "1.x", "*", "^1.4.0 || ^2"])("may be %s on 1.4.0", async (weftline) => {
    expect((await boot(definePlugin({ id: "fits", weftline })())).plugins).toHaveLength(1);
  });

  it.each(["^2.0.0", "<1.4", "~1.3.0", "not a range"])("may not be %s on 1.4.0", async (weftline) => {
    const report = await reportOf(boot(definePlugin({ id: "misfit", weftline })()));
    expect(report).toContain(`[PLUGIN_HOST_RANGE] The plugin "misfit" asks for weftline ${weftline}; this is 1.4.0.`);
    expect(report).toContain("→ Install a version of the plugin made for this host");
  });

  it("is matched by a prerelease of it", async () => {
    const early = definePlugin({ id: "early", weftline: ">=2.0.0-beta.1" });
    expect((await boot(early(), { hostVersion: "2.0.0-beta.3" })).plugins).toHaveLength(1);
  });
});

describe("a boot that fails while it loads", () => {
  it("names everything that is wrong, and goes no further", async () => {
    const setUp: string[] = [];
    const list = [
      definePlugin({ id: "Bad Id" })(),
      definePlugin({ id: "same", setup: () => void setUp.push("same") })(),
      definePlugin({ id: "same" })(),
      definePlugin({ id: "future", weftline: "^9" })(),
      "nothing",
    ];
    const report = await reportOf(boot(list as never));
    expect(report.match(/✗ load: \[\w+\]/g)).toEqual([
      "✗ load: [NOT_A_PLUGIN]",
      "✗ load: [PLUGIN_ID_INVALID]",
      "✗ load: [PLUGIN_DUPLICATE]",
      "✗ load: [PLUGIN_HOST_RANGE]",
    ]);
    expect(setUp).toEqual([]);
  });
});
