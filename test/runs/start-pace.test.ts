import { expect, it } from "vitest";
import { StartPace } from "../../src/core/runs/start-pace.ts";

/** @returns how many had begun at each turn of the event loop. */
async function begun(pace: StartPace, turns: number): Promise<number[]> {
  const order: number[] = [];
  const all = Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      await pace.turn();
      order.push(index);
    }),
  );
  const soFar: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    await Promise.resolve();
    soFar.push(order.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await all;
  expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
  return soFar;
}

it("has turns of a crowd begin in order, eight in each turn of the event loop", async () => {
  expect(await begun(new StartPace(() => false), 4)).toEqual([0, 8, 16, 20]);
});

it("lets the log go first for two turns of the loop, and has as many begin in the third as in three", async () => {
  expect(await begun(new StartPace(() => true), 4)).toEqual([0, 0, 0, 20]);
  let turn = 0;
  expect(await begun(new StartPace(() => turn++ === 0), 4)).toEqual([0, 0, 16, 20]);
});
