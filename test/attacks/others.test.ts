import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { quantile } from "../../bench/measure.ts";
import { attacks } from "./attacks.ts";
import { startAttackedServer, type AttackedServer } from "./server.ts";

const rounds = 3;

let server: AttackedServer;
let idle: number;
const median = (values: readonly number[]): number => quantile(values, 0.5);

beforeAll(async () => {
  server = await startAttackedServer();
  const tries: number[] = [];
  for (let round = 0; round < rounds; round++) tries.push(quantile(await server.others(), 0.99));
  idle = median(tries);
});
afterAll(() => server.stop());

describe("while one caller does its worst, others are served", () => {
  it.each(Object.entries(attacks))("%s", async (_, attack) => {
    const tries: { readonly p99: number; readonly block: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const began = Date.now();
      const p99 = quantile(await server.others(() => attack(server)), 0.99);
      tries.push({ p99, block: server.longestBlock(began) });
    }
    expect(median(tries.map(({ p99 }) => p99)), "others' p99, in milliseconds").toBeLessThanOrEqual(10 * idle);
    expect(median(tries.map(({ block }) => block)), "the longest block of the event loop, in milliseconds").toBeLessThanOrEqual(200);
  });
});
