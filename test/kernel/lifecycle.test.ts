import { contribution, definePlugin, extensionPoint, optional, serviceRef, type SetupContext } from "#weftline";
import { describe, expect, it } from "vitest";
import { boot, kernelOf, recordingLog, reportOf } from "./boot.ts";

const points = extensionPoint<string>("any.points");

/** A plugin that writes down what is done to it. */
const noted = (journal: string[], id: string, more: (ctx: SetupContext) => unknown = () => undefined) =>
  definePlugin({
    id,
    setup: async (ctx) => {
      journal.push(`${id} opens`);
      ctx.onReady(() => void journal.push(`${id} ready`));
      ctx.onClose(async () => void journal.push(`${id} closes`));
      await more(ctx as unknown as SetupContext);
    },
  });

const failing = (words: string) => () => {
  throw new Error(words);
};

describe("setup", () => {
  it("runs one plugin after the other, then the ready hooks in that order, and closes in reverse", async () => {
    const journal: string[] = [];
    const slow = noted(journal, "a", () => new Promise((resolve) => void setTimeout(resolve, 10)));
    const kernel = await boot([slow(), noted(journal, "b", ({ onClose }) => onClose(() => void journal.push("b closes first")))()]);
    expect(journal).toEqual(["a opens", "b opens", "a ready", "b ready"]);
    journal.length = 0;
    expect(await kernel.close()).toEqual([]);
    expect(journal).toEqual(["b closes first", "b closes", "a closes"]);
  });

  it("hands over a logger that names the plugin and a signal that aborts at close", async () => {
    const log = recordingLog();
    let signal: AbortSignal | undefined;
    const kernel = await boot(
      definePlugin({
        id: "talker",
        setup: (ctx) => {
          ctx.log.info({ at: 1 }, "hello");
          signal = ctx.signal;
        },
      })(),
      { log },
    );
    expect(log.lines).toEqual([{ level: "info", fields: { plugin: "talker", at: 1 }, message: "hello" }]);
    expect(signal?.aborted).toBe(false);
    await kernel.close();
    expect(signal?.reason).toMatchObject({ code: "SHUTTING_DOWN" });
  });

  it("never runs for a disabled plugin", async () => {
    const journal: string[] = [];
    const kernel = await boot([noted(journal, "off")(undefined, { disabled: true }), noted(journal, "on")()]);
    await kernel.close();
    expect(journal).toEqual(["on opens", "on ready", "on closes"]);
    expect(kernel.report.plugins.get("off")).toEqual({ id: "off", state: "DISABLED" });
  });
});

describe("closing", () => {
  it("runs every hook, also after one that fails, and says what failed", async () => {
    const journal: string[] = [];
    const kernel = await boot([
      noted(journal, "a")(),
      noted(journal, "b", ({ onClose }) => onClose(failing("stuck")))(),
      noted(journal, "c", ({ onClose }) => onClose(() => Promise.reject(new Error("also stuck"))))(),
    ]);
    const failures = await kernel.close();
    expect(failures.map(({ plugin, error }) => `${plugin}: ${(error as Error).message}`)).toEqual(["c: also stuck", "b: stuck"]);
    expect(journal.slice(-3)).toEqual(["c closes", "b closes", "a closes"]);
  });

  it("runs each hook once, however often it is asked for", async () => {
    const journal: string[] = [];
    const kernel = await boot(noted(journal, "a")());
    await Promise.all([kernel.close(), kernel.close()]);
    await kernel.close();
    expect(journal.filter((line) => line === "a closes")).toHaveLength(1);
  });
});

describe("a setup that fails", () => {
  it("fails the boot; every other plugin has its say, and what opened can be closed", async () => {
    const journal: string[] = [];
    const kernel = kernelOf([noted(journal, "a", failing("no key"))(), noted(journal, "b", failing("no disk"))(), noted(journal, "c")()]);
    await kernel.load();
    const report = await reportOf(kernel.setup());
    expect(report).toContain('✗ setup: [PLUGIN_SETUP_FAILED] The setup of "a" failed: no key');
    expect(report).toContain('✗ setup: [PLUGIN_SETUP_FAILED] The setup of "b" failed: no disk');
    expect(report).toContain("→ Mend what the message names, or mark the entry optional: plugin({}, { optional: true }).");
    expect(journal).toEqual(["a opens", "a closes", "b opens", "b closes", "c opens"]);
    await kernel.close();
    expect(journal.at(-1)).toBe("c closes");
    expect(kernel.report.plugins.get("a")).toMatchObject({ state: "FAILED", reason: "no key" });
  });

  it("says of a plugin that needed it what it lacks", async () => {
    const store = serviceRef<string>("store.store");
    const broken = definePlugin({ id: "store", provides: { store }, setup: failing("no disk") });
    const report = await reportOf(boot([broken(), definePlugin({ id: "chat", requires: { store } })()]));
    expect(report).toContain('[PLUGIN_SETUP_FAILED] The setup of "store" failed: no disk');
    expect(report).toContain('[SERVICE_LEFT_OUT] "chat" requires the service "store.store", whose plugin was left out.');
  });

  it("keeps a WeftlineError as it is", async () => {
    const { WeftlineError } = await import("#weftline");
    const port = definePlugin({
      id: "port",
      setup: () => {
        throw new WeftlineError("ADDRESS_IN_USE", { port: 80, host: "127.0.0.1" });
      },
    });
    expect(await reportOf(boot(port()))).toContain("✗ setup: [ADDRESS_IN_USE] Port 80 of 127.0.0.1 is in use.");
  });
});

describe("an optional entry whose setup fails", () => {
  const store = serviceRef<string>("store.store");
  const fuel = serviceRef<string>("store.fuel");

  it("is left out: its close hooks run, and nothing that it gave remains", async () => {
    const journal: string[] = [];
    const log = recordingLog();
    const broken = definePlugin({
      id: "store",
      provides: { store },
      contributes: [contribution(points, "static", "a")],
      setup: ({ contribute, onReady, onClose }) => {
        onClose(() => void journal.push("closes first"));
        onClose(failing("stuck"));
        onReady(() => void journal.push("ready"));
        contribute(points, "dynamic", "b");
        throw new Error("no disk");
      },
    });
    const kernel = await boot([broken(undefined, { optional: true }), noted(journal, "rest")()], { log });
    expect(journal).toEqual(["closes first", "rest opens", "rest ready"]);
    expect(kernel.registry.contributions(points).size).toBe(0);
    expect(kernel.registry.has(store)).toBe(false);
    expect(kernel.report.plugins.get("store")).toMatchObject({ state: "FAILED", reason: "no disk", setupMs: expect.any(Number) });
    expect(log.lines.map(({ level, fields, message }) => [level, fields["plugin"], message])).toEqual([
      ["warn", "store", "closing failed"],
      ["warn", "store", "an optional plugin was left out"],
    ]);
    await kernel.close();
    expect(journal).toEqual(["closes first", "rest opens", "rest ready", "rest closes"]);
  });

  it("provides nothing where it provides only a part", async () => {
    const half = definePlugin({
      id: "half",
      provides: { store, fuel },
      setup: () => ({ store: "a store" }) as { store: string; fuel: string },
    });
    const kernel = await boot(half(undefined, { optional: true }));
    expect(kernel.registry.has(store)).toBe(false);
    expect(kernel.report.plugins.get("half")).toMatchObject({ state: "FAILED", reason: 'The setup of "half" did not return "fuel".' });
  });

  it("is undefined to whoever can do without it", async () => {
    let heard: unknown = "nothing yet";
    const broken = definePlugin({ id: "store", provides: { store }, setup: failing("no disk") });
    await boot([
      broken(undefined, { optional: true }),
      definePlugin({ id: "chat", requires: { store: optional(store) }, setup: ({ deps }) => void (heard = deps.store) })(),
    ]);
    expect(heard).toBeUndefined();
  });

  it("fails the boot for whoever cannot, and the report says why it was left out", async () => {
    const broken = definePlugin({ id: "store", provides: { store }, setup: failing("no disk") });
    const report = await reportOf(boot([broken(undefined, { optional: true }), definePlugin({ id: "chat", requires: { store } })()]));
    expect(report).toMatch(/– store {2}.* ms {2}FAILED: no disk\n/);
    expect(report).toContain('✗ setup: [SERVICE_LEFT_OUT] "chat" requires the service "store.store", whose plugin was left out.');
    expect(report).toContain("→ Mend the plugin that failed before it, or mark the requirement optional(…).");
    expect(report).not.toContain("PLUGIN_SETUP_FAILED");
  });

  it("takes others with it that are optional too", async () => {
    const broken = definePlugin({ id: "store", provides: { store }, setup: failing("no disk") });
    const chat = definePlugin({ id: "chat", requires: { store } });
    const kernel = await boot([broken(undefined, { optional: true }), chat(undefined, { optional: true })]);
    expect([...kernel.report.plugins.values()].map(({ id, state }) => `${id} ${state}`)).toEqual(["store FAILED", "chat FAILED"]);
  });
});

describe("a ready hook that fails", () => {
  it("fails the boot, but only after all of them have run", async () => {
    const journal: string[] = [];
    const report = await reportOf(
      boot([
        noted(journal, "a", ({ onReady }) => onReady(failing("no peers")))(),
        noted(journal, "b", ({ onReady }) => onReady(failing("no network")))(),
        noted(journal, "c")(),
      ]),
    );
    expect(report).toContain('✗ ready: [PLUGIN_SETUP_FAILED] The setup of "a" failed: no peers');
    expect(report).toContain('✗ ready: [PLUGIN_SETUP_FAILED] The setup of "b" failed: no network');
    expect(journal).toContain("c ready");
  });

  it("marks an optional entry as failed and goes on", async () => {
    const kernel = await boot(noted([], "a", ({ onReady }) => onReady(failing("no peers")))(undefined, { optional: true }));
    expect(kernel.report.plugins.get("a")).toMatchObject({ state: "FAILED", reason: "no peers" });
  });
});

describe("the state of a plugin", () => {
  it("is what the plugin says of itself, at setup and later", async () => {
    let ctx: SetupContext | undefined;
    const kernel = await boot(
      definePlugin({
        id: "openai",
        setup: (given) => {
          ctx = given as unknown as SetupContext;
          given.status({ state: "UNAVAILABLE", reason: "There is no key.", fix: "Set OPENAI_API_KEY." });
        },
      })(),
    );
    const state = () => kernel.report.plugins.get("openai");
    expect(state()).toMatchObject({ state: "UNAVAILABLE", reason: "There is no key.", fix: "Set OPENAI_API_KEY." });
    ctx?.status({ state: "READY" });
    expect(state()).toMatchObject({ state: "READY", reason: undefined, fix: undefined });
    ctx?.status({ state: "UNAVAILABLE" });
    expect(state()).toMatchObject({ state: "UNAVAILABLE" });
  });

  it("stays UNAVAILABLE without a reason where setup says so", async () => {
    const kernel = await boot(definePlugin({ id: "shy", setup: ({ status }) => status({ state: "UNAVAILABLE" }) })());
    expect(kernel.report.plugins.get("shy")).toMatchObject({ state: "UNAVAILABLE" });
  });
});
