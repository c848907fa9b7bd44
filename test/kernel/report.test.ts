import { definePlugin, WeftlineError } from "#weftline";
import { describe, expect, it } from "vitest";
import { BootReport } from "../../src/core/kernel/report.ts";
import { boot, kernelOf, reportOf } from "./boot.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

describe("a boot report", () => {
  it("times each phase and each setup", async () => {
    const kernel = await boot([definePlugin({ id: "slow", setup: () => pause(20) })(), definePlugin({ id: "fast" })()]);
    expect(kernel.report.phases.map(({ phase }) => phase)).toEqual(["load", "configure", "resolve", "setup", "serve", "ready"]);
    const times = new Map(kernel.report.phases.map(({ phase, ms }) => [phase, ms]));
    expect(times.get("setup")).toBeGreaterThan(15);
    for (const ms of times.values()) expect(ms).toBeGreaterThanOrEqual(0);
    expect(kernel.report.plugins.get("slow")?.setupMs).toBeGreaterThan(15);
    expect(kernel.report.plugins.get("fast")?.setupMs).toBeGreaterThanOrEqual(0);
  });

  it("times a phase that fails as well", async () => {
    const kernel = kernelOf([]);
    await reportOf(kernel.phase("compose", () => pause(10).then(() => Promise.reject(new Error("no")))));
    expect(kernel.report.phases).toEqual([{ phase: "compose", ms: expect.any(Number) }]);
    expect(kernel.report.phases[0]?.ms).toBeGreaterThan(5);
  });

  it("prints a line a plugin where all is well", async () => {
    const kernel = await boot([
      definePlugin({ id: "fine" })(),
      definePlugin({ id: "off" })(undefined, { disabled: true }),
      definePlugin({ id: "half", setup: ({ status }) => status({ state: "UNAVAILABLE", reason: "No key.", fix: "Set KEY." }) })(),
      definePlugin({ id: "partly", setup: ({ status }) => status({ state: "READY", reason: "No vectors." }) })(),
    ]);
    expect(kernel.report.print().replaceAll(/\d+\.\d ms/g, "n ms")).toBe(
      [
        "  ✓ fine  n ms",
        "  – off  DISABLED",
        "  – half  n ms  UNAVAILABLE: No key. → Set KEY.",
        "  ✓ partly  n ms  READY: No vectors.",
      ].join("\n"),
    );
  });

  it("prints a problem with its phase, its code and its fix, and keeps what is behind it", async () => {
    const report = new BootReport();
    const cause = new Error("the cause");
    report.add("setup", cause, "chat");
    report.add("migrate", new WeftlineError("MIGRATION_FAILED", { name: "chat/1_init", problem: "no such table" }));
    expect(report.print()).toBe(
      [
        '  ✗ setup: [PLUGIN_SETUP_FAILED] The setup of "chat" failed: the cause',
        "    → Mend what the message names, or mark the entry optional: plugin({}, { optional: true }).",
        '  ✗ migrate: [MIGRATION_FAILED] The migration "chat/1_init" failed: no such table',
        "    → Nothing after it was applied. Mend the cause, then run: weftline migrate up",
      ].join("\n"),
    );
    expect(report.problems.map(({ plugin }) => plugin)).toEqual(["chat", undefined]);
    expect(() => report.stopOnProblems()).toThrow(
      expect.objectContaining({ code: "BOOT_FAILED", cause: expect.objectContaining({ cause }) }),
    );
  });

  it("says the words of an error that nobody expected", async () => {
    const report = await reportOf(
      kernelOf([]).phase("migrate", () => {
        throw new Error("EACCES: permission denied, mkdir '/data'");
      }),
    );
    expect(report).toContain("✗ migrate: [INTERNAL] EACCES: permission denied, mkdir '/data'");
  });

  it("is a problem for each that an AggregateError holds", async () => {
    const errors = [new WeftlineError("PLUGIN_TABLE_PREFIX", { plugin: "a", table: "b", prefix: "a_" }), new Error("second")];
    const report = await reportOf(kernelOf([]).phase("compose", () => Promise.reject(new AggregateError(errors))));
    expect(report.match(/✗ compose: \[\w+\]/g)).toEqual(["✗ compose: [PLUGIN_TABLE_PREFIX]", "✗ compose: [INTERNAL]"]);
  });

  it("is what the error of a failed boot carries for programs", async () => {
    const kernel = kernelOf([]);
    const error = await kernel
      .phase("serve", () => Promise.reject(new WeftlineError("ADDRESS_IN_USE", { port: 1, host: "h" })))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "BOOT_FAILED", details: { problems: [{ phase: "serve", error: { code: "ADDRESS_IN_USE" } }] } });
  });

  it("stops a boot at the first phase that leaves problems", async () => {
    const kernel = kernelOf([definePlugin({ id: "Bad" })(), definePlugin({ id: "chat", weftline: "^9" })()]);
    await expect(kernel.load()).rejects.toMatchObject({ code: "BOOT_FAILED" });
    expect(kernel.report.phases.map(({ phase }) => phase)).toEqual(["load"]);
    expect(kernel.report.problems).toHaveLength(2);
  });
});
