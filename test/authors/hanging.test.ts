import { createChannel, definePlugin, type SetupContext } from "#weftline";
import { describe, expect, it, vi } from "vitest";
import { testPlatform } from "../../src/testing/index.ts";

const forever = (): Promise<never> => new Promise(() => {});
const plugin = (setup: (ctx: SetupContext) => void | Promise<void>) =>
  definePlugin({ id: "sleepy", setup: (ctx) => setup(ctx as SetupContext) });
const pluginTimeouts = { setup: 20, close: 20 };

describe("a plugin that hangs", () => {
  const hanging: readonly (readonly [what: string, setup: (ctx: SetupContext) => void | Promise<void>])[] = [
    ["setup", forever],
    ["onReady", ({ onReady }) => onReady(forever)],
  ];
  it.each(hanging)("in %s fails the boot, by its name", async (what, setup) => {
    const boot = testPlatform({ plugins: [plugin(setup)()], pluginTimeouts });
    await expect(boot).rejects.toThrow(
      `[PLUGIN_TIMEOUT] The ${what} of "sleepy" did not end within 0.02 s.\n    → Look for what it waits for; pluginTimeouts`,
    );
  });

  it("in setup is left out where it is optional", async () => {
    await using app = await testPlatform({ plugins: [plugin(forever)(undefined, { optional: true })], pluginTimeouts: { setup: 300 } });
    const { plugins } = await app.graphql<{ plugins: { name: string; state: string; reason: string }[] }>(
      "{ plugins { name state reason } }",
    );
    expect(plugins.find(({ name }) => name === "sleepy")).toMatchObject({
      state: "FAILED",
      reason: expect.stringContaining("did not end"),
    });
  });

  it("in onClose does not keep the others from closing", async () => {
    const closed = vi.fn<() => void>();
    const first = definePlugin({ id: "first", setup: ({ onClose }) => onClose(closed) });
    const app = await testPlatform({ plugins: [first(), plugin(({ onClose }) => onClose(forever))()], pluginTimeouts: { close: 20 } });
    const failures = await app.platform.kernel.close();
    const sleepy = failures.find(({ plugin: id }) => id === "sleepy");
    expect(sleepy).toMatchObject({ error: { code: "PLUGIN_TIMEOUT", details: { what: "onClose" } } });
    expect(closed).toHaveBeenCalledOnce();
    await app.close();
  });
});

describe("a channel whose reader never reads", () => {
  it("holds 1,024 values, lets go of its source, and ends with a typed error", async () => {
    const onClose = vi.fn<() => void>();
    const channel = createChannel<number>(onClose);
    for (let value = 0; value < 5_000; value++) channel.push(value);
    expect(channel.size).toBe(1_024);
    expect(onClose).toHaveBeenCalledOnce();
    for (let value = 0; value < 1_024; value++) expect(await channel.next()).toEqual({ value, done: false });
    await expect(channel.next()).rejects.toMatchObject({ code: "RATE_LIMITED" });
    expect(await channel.next()).toEqual({ value: undefined, done: true });
    await channel.return?.();
    expect(onClose).toHaveBeenCalledOnce();
  });

  it("holds as many as it was made for, and goes on where its reader does", async () => {
    const channel = createChannel<number>(undefined, { limit: 2 });
    for (let value = 0; value < 100; value++) {
      channel.push(value);
      channel.push(-value);
      expect((await channel.next()).value).toBe(value);
      expect((await channel.next()).value).toBe(-value);
    }
    for (const value of [1, 2, 3]) channel.push(value);
    expect(channel.size).toBe(2);
  });
});
