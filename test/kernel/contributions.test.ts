import { contribution, definePlugin, extensionPoint, type SetupContext } from "#weftline";
import { describe, expect, it } from "vitest";
import { boot, kernelOf, reportOf } from "./boot.ts";

const tools = extensionPoint<string>("capabilities.tools");
const panels = extensionPoint<number>("console.panels");

describe("contributions", () => {
  it("stand at their point by key, each with its plugin, static ones first", async () => {
    const clock = definePlugin({
      id: "clock",
      contributes: [contribution(tools, "time.now", "now")],
      setup: ({ contribute }) => contribute(tools, "time.zone", "zone"),
    });
    const math = definePlugin({ id: "math", contributes: [contribution(tools, "math.add", "add"), contribution(panels, "math", 7)] });
    const kernel = await boot([clock(), math()]);
    expect([...kernel.registry.contributions(tools)]).toEqual([
      ["time.now", { point: "capabilities.tools", key: "time.now", value: "now", plugin: "clock" }],
      ["math.add", { point: "capabilities.tools", key: "math.add", value: "add", plugin: "math" }],
      ["time.zone", { point: "capabilities.tools", key: "time.zone", value: "zone", plugin: "clock" }],
    ]);
    expect(kernel.registry.contributionsOf("math").map(({ point, key }) => `${point} ${key}`)).toEqual([
      "capabilities.tools math.add",
      "console.panels math",
    ]);
    expect(kernel.registry.contributions(extensionPoint("nobody.here")).size).toBe(0);
  });

  it("are read before any setup where they are static", async () => {
    const kernel = kernelOf(definePlugin({ id: "clock", contributes: [contribution(tools, "time.now", "now")] })());
    await kernel.load();
    expect(kernel.registry.contributions(tools).get("time.now")?.value).toBe("now");
  });

  it("are seen live, and all of them from onReady on, whoever stands behind in the list", async () => {
    const seen: string[] = [];
    const owner = definePlugin({
      id: "owner",
      setup: ({ contributions, onReady }) => {
        const live = contributions(tools);
        seen.push(`setup: ${[...live.keys()].join()}`);
        onReady(() => void seen.push(`ready: ${[...live.keys()].join()}`));
      },
    });
    const late = definePlugin({ id: "late", setup: ({ contribute }) => contribute(tools, "late", "tool") });
    await boot([owner(), late()]);
    expect(seen).toEqual(["setup: ", "ready: late"]);
  });

  it("may not share a key: the report names both plugins, static or not", async () => {
    const first = definePlugin({ id: "first", contributes: [contribution(tools, "same", "a")] });
    const second = definePlugin({ id: "second", contributes: [contribution(tools, "same", "b"), contribution(tools, "own", "c")] });
    const report = await reportOf(boot([first(), second()]));
    expect(report).toContain(
      '✗ resolve: [CONTRIBUTION_DUPLICATE] The key "same" of the extension point "capabilities.tools" comes from "first" and from "second".',
    );
    expect(report).toContain("→ Rename one of the two contributions.");
    const third = definePlugin({ id: "third", setup: ({ contribute }) => contribute(tools, "same", "d") });
    expect(await reportOf(boot([first(), third()]))).toContain(
      '✗ setup: [CONTRIBUTION_DUPLICATE] The key "same" of the extension point "capabilities.tools" comes from "first" and from "third".',
    );
  });

  it("may share a key at two points", async () => {
    const both = definePlugin({ id: "both", contributes: [contribution(tools, "same", "a"), contribution(panels, "same", 1)] });
    expect((await boot(both())).registry.contributionsOf("both")).toHaveLength(2);
  });

  it("are refused once the platform is ready, also by what a plugin kept", async () => {
    let kept: SetupContext | undefined;
    const keeper = definePlugin({ id: "keeper", setup: (ctx) => void (kept = ctx as unknown as SetupContext) });
    const kernel = await boot(keeper());
    expect(() => kept?.contribute(tools, "late", "tool")).toThrow(
      '"keeper" contributes "late" to "capabilities.tools" after the platform was ready.',
    );
    expect(kernel.registry.contributions(tools).size).toBe(0);
  });

  it("are refused in a ready hook, and the report says when they are due", async () => {
    const hasty = definePlugin({ id: "hasty", setup: ({ contribute, onReady }) => onReady(() => contribute(tools, "late", "tool")) });
    const report = await reportOf(boot(hasty()));
    expect(report).toContain('✗ ready: [REGISTRY_FROZEN] "hasty" contributes "late"');
    expect(report).toContain("→ Contribute in setup, before it returns.");
  });

  it("of a disabled plugin are none", async () => {
    const off = definePlugin({
      id: "off",
      contributes: [contribution(tools, "static", "a")],
      setup: ({ contribute }) => contribute(tools, "dynamic", "b"),
    });
    const kernel = await boot(off(undefined, { disabled: true }));
    expect(kernel.registry.contributions(tools).size).toBe(0);
  });
});
