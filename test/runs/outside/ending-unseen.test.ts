import { expect, it } from "vitest";
import { WeftlineError } from "#weftline";
import { bootChores, change, seen } from "./world.ts";

it.each([
  ["is cancelled", {}, "CANCELLED"],
  ["comes to its deadline", { limits: { deadline: "PT0.05S" } }, "EXPIRED"],
] as const)("a run that %s while its program suspends without having seen it has another turn, and ends", async (_, input, status) => {
  const { app, programs, start } = await bootChores();
  const entered = Promise.withResolvers<void>();
  programs.set("late", {
    capabilities: [],
    endsItself: true,
    run: async ({ ending }) => {
      ending.throwIfAborted();
      const aborted = new Promise<void>((resolve) => ending.addEventListener("abort", () => resolve(), { once: true }));
      entered.resolve();
      await aborted;
      throw new WeftlineError("RUN_SUSPENDED");
    },
  });
  const id = await start(() => undefined, { ...input, target: { chore: "late" } });
  await entered.promise;
  if (status === "CANCELLED") await change(app, "cancel", id);
  await expect.poll(async () => (await seen(app, id)).status, { timeout: 5_000 }).toBe(status);
  await app.close();
});
