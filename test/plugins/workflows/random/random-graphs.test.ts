import fc from "fast-check";
import { expect, it } from "vitest";
import { playAll } from "./player.ts";
import { differencesOf } from "./verdict.ts";
import { anyScript } from "./works.ts";

it("runs come to what their graphs say, each node once, wherever processes are lost", async () => {
  const scripts = fc.array(anyScript, { minLength: 10, maxLength: 10 });
  const losses = fc.array(fc.integer({ min: 1, max: 250 }), { minLength: 2, maxLength: 2 });
  let lost = 0;
  await fc.assert(
    fc.asyncProperty(scripts, losses, async (given, after) => {
      const batch = await playAll(given, after);
      lost += batch.lost;
      expect(await differencesOf(given, batch)).toEqual([]);
    }),
    { numRuns: 2, seed: 7, endOnFailure: true },
  );
  expect(lost).toBeGreaterThan(2);
});
