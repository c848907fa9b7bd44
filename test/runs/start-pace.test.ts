import { expect, it } from "vitest";
import { StartPace } from "../../src/core/runs/start-pace.ts";

it("has turns of a crowd begin in order, eight in each turn of the event loop", async () => {
  const pace = new StartPace();
  const begun: number[] = [];
  const all = Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      await pace.turn();
      begun.push(index);
    }),
  );
  const soFar: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    await Promise.resolve();
    soFar.push(begun.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  expect(soFar).toEqual([0, 8, 16]);
  expect(begun).toEqual(Array.from({ length: 20 }, (_, index) => index));
});
