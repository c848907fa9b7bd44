import { definePlugin, optional, serviceRef } from "#weftline";
import { describe, expect, it } from "vitest";
import { boot, kernelOf, reportOf } from "./boot.ts";

const log = serviceRef<string>("runs.log");
const memory = serviceRef<string>("memory.memory");
const budgets = serviceRef<string>("budgets.budgets");

const runs = definePlugin({ id: "runs", provides: { log }, setup: () => ({ log: "the log" }) });

async function orderOf(list: Parameters<typeof boot>[0]): Promise<string[]> {
  const order: string[] = [];
  const kernel = await boot(list);
  order.push(...kernel.plugins.map(({ spec }) => spec.id));
  return order;
}

describe("the order of plugins", () => {
  it("is that of the list where nobody needs anybody", async () => {
    expect(await orderOf(["c", "a", "b"].map((id) => definePlugin({ id })()))).toEqual(["c", "a", "b"]);
  });

  it("puts a provider before whoever requires it, and leaves the rest", async () => {
    const chat = definePlugin({ id: "chat", requires: { log } });
    const health = definePlugin({ id: "health" });
    expect(await orderOf([health(), chat(), definePlugin({ id: "auth" })(), runs()])).toEqual(["health", "runs", "chat", "auth"]);
  });

  it("puts an optional provider first as well, where there is one", async () => {
    const agents = definePlugin({ id: "agents", requires: { memory: optional(memory) } });
    const store = definePlugin({ id: "memory", provides: { memory }, setup: () => ({ memory: "a store" }) });
    expect(await orderOf([agents(), store()])).toEqual(["memory", "agents"]);
  });

  it("is the same for a disabled plugin, so that switching it on changes nothing else", async () => {
    const chat = (entry: { disabled?: true }) => definePlugin({ id: "chat", requires: { log } })(undefined, entry);
    const rest = [definePlugin({ id: "auth" })(), definePlugin({ id: "health" })()];
    expect(await orderOf([chat({ disabled: true }), ...rest, runs()])).toEqual(await orderOf([chat({}), ...rest, runs()]));
    const needsNobody = definePlugin({ id: "agents", requires: { log: optional(log) } });
    expect(await orderOf([needsNobody(), runs(undefined, { disabled: true })])).toEqual(["runs", "agents"]);
  });
});

describe("what a plugin requires", () => {
  it("is handed to its setup by the names that it chose", async () => {
    let heard: unknown;
    const chat = definePlugin({
      id: "chat",
      requires: { journal: log, memory: optional(memory), budgets: optional(budgets) },
      setup: ({ deps }) => void (heard = { ...deps, named: "budgets" in deps }),
    });
    await boot([chat(), runs(), definePlugin({ id: "memory", provides: { memory }, setup: async () => ({ memory: "a store" }) })()]);
    expect(heard).toEqual({ journal: "the log", memory: "a store", named: false });
  });

  it("may come from the host", async () => {
    const clock = serviceRef<number>("weftline.clock");
    let heard: unknown;
    const kernel = kernelOf(definePlugin({ id: "alarm", requires: { clock }, setup: ({ deps }) => void (heard = deps.clock) })(), {
      hostServices: [clock],
    });
    await kernel.load();
    kernel.provide(clock, 12);
    await kernel.setup();
    expect(heard).toBe(12);
  });

  it("must be provided by somebody: all that is missing is named at once", async () => {
    const report = await reportOf(
      boot([definePlugin({ id: "chat", requires: { log, memory } })(), definePlugin({ id: "costs", requires: { budgets } })()]),
    );
    for (const [plugin, service] of [
      ["chat", "runs.log"],
      ["chat", "memory.memory"],
      ["costs", "budgets.budgets"],
    ]) {
      expect(report).toContain(`✗ resolve: [SERVICE_MISSING] "${plugin}" requires the service "${service}", which no plugin provides.`);
    }
    expect(report).toContain("→ Add a plugin that provides it, or mark the requirement optional(…).");
  });

  it("is missing where its provider is disabled, and the fix names that one", async () => {
    const chat = definePlugin({ id: "chat", requires: { log } });
    const report = await reportOf(boot([runs(undefined, { disabled: true }), chat()]));
    expect(report).toContain('[SERVICE_MISSING] "chat" requires the service "runs.log"');
    expect(report).toContain('→ Enable "runs", which provides it');
    expect(await orderOf([chat(undefined, { disabled: true })])).toEqual(["chat"]);
  });
});

describe("what a plugin provides", () => {
  it("is provided by one plugin only", async () => {
    const other = definePlugin({ id: "other", provides: { again: log }, setup: () => ({ again: "another log" }) });
    const report = await reportOf(boot([runs(), other()]));
    expect(report).toContain('✗ resolve: [SERVICE_DUPLICATE] The service "runs.log" is provided by "runs" and by "other".');
    expect(await orderOf([runs(), other(undefined, { disabled: true })])).toEqual(["runs", "other"]);
    expect(await orderOf([other(undefined, { disabled: true }), runs()])).toEqual(["other", "runs"]);
  });

  it("is not what the host provides", async () => {
    const report = await reportOf(boot(runs(), { hostServices: [log] }));
    expect(report).toContain('The service "runs.log" is provided by "the host" and by "runs".');
  });

  it("is what its setup returns, all of it", async () => {
    const lazy = definePlugin({
      id: "lazy",
      provides: { log, memory },
      setup: () => ({ log: "the log" }) as { log: string; memory: string },
    });
    const none = definePlugin({ id: "none", provides: { budgets } });
    const report = await reportOf(boot([lazy(), none()]));
    expect(report).toContain('✗ setup: [PLUGIN_NOT_PROVIDED] The setup of "lazy" did not return "memory".');
    expect(report).toContain('✗ setup: [PLUGIN_NOT_PROVIDED] The setup of "none" did not return "budgets".');
  });

  it("may be falsy, so long as it is something", async () => {
    const zero = serviceRef<number | null>("zero.zero");
    const kernel = await boot(definePlugin({ id: "zero", provides: { zero }, setup: () => ({ zero: null }) })());
    expect(kernel.registry.has(zero)).toBe(true);
    expect(kernel.registry.use(zero)).toBeNull();
  });

  it("is unavailable, by name, where nobody provides it", async () => {
    const kernel = await boot([]);
    expect(() => kernel.registry.use(log)).toThrow("The service runs.log is not available");
    expect(kernel.registry.has(log)).toBe(false);
  });
});

describe("a circle", () => {
  it("names the plugins that it goes through, each circle once", async () => {
    const circle = (id: string, needs: string): ReturnType<typeof runs> =>
      definePlugin({
        id,
        requires: { other: serviceRef<string>(`${needs}.self`) },
        provides: { self: serviceRef<string>(`${id}.self`) },
        setup: () => ({ self: id }),
      })();
    const report = await reportOf(
      boot([circle("a", "b"), circle("b", "c"), circle("c", "a"), circle("x", "y"), circle("y", "x"), circle("self", "self")]),
    );
    expect(report.match(/PLUGIN_CYCLE\] (.*)/g)).toEqual([
      "PLUGIN_CYCLE] Plugins require each other in a circle: a → b → c → a.",
      "PLUGIN_CYCLE] Plugins require each other in a circle: x → y → x.",
      "PLUGIN_CYCLE] Plugins require each other in a circle: self → self.",
    ]);
  });

  it("stands in one report with what is missing and what is doubled", async () => {
    const again = definePlugin({ id: "again", provides: { log }, setup: () => ({ log: "" }) });
    const self = serviceRef<string>("self.self");
    const knot = definePlugin({ id: "knot", requires: { self, memory }, provides: { self }, setup: () => ({ self: "" }) });
    const report = await reportOf(boot([runs(), again(), knot()]));
    expect(report.match(/resolve: \[\w+\]/g)).toEqual([
      "resolve: [SERVICE_DUPLICATE]",
      "resolve: [SERVICE_MISSING]",
      "resolve: [PLUGIN_CYCLE]",
    ]);
  });
});
