import { describe, expect, it } from "vitest";
import { FairPlaces } from "../../src/core/runs/fair-places.ts";

const never = new AbortController().signal;

/** Asks for places one after the other, and notes whose turn it was. */
function queue(places: FairPlaces) {
  const turns: string[] = [];
  const back: (() => void)[] = [];
  return {
    turns,
    back,
    ask: async (owner: string, signal = never) => {
      back.push(await places.take({ tenantId: "acme", ownerId: owner }, signal));
      turns.push(owner);
    },
    /** What was given is given back, the oldest first, and whoever is next has it. */
    next: async () => {
      await new Promise(setImmediate);
      back.shift()?.();
      await new Promise(setImmediate);
    },
  };
}

describe("places", () => {
  it.each([
    [1, ["greedy", "ada", "bob", "greedy", "bob", "greedy", "greedy", "greedy"]],
    [2, ["greedy", "greedy", "ada", "bob", "greedy", "bob", "greedy", "greedy"]],
  ])("of which there are %i, and one viewer wants many, are taken in turn", async (most, order) => {
    const { ask, next, turns } = queue(new FairPlaces(most));
    for (let each = 0; each < 5; each++) void ask("greedy");
    for (const owner of ["ada", "bob", "bob"]) void ask(owner);
    for (let each = 0; each < 8; each++) await next();
    expect(turns).toEqual(order);
  });

  it("go to who waits before those who come again and again", async () => {
    const { ask, next, turns } = queue(new FairPlaces(1));
    const again = async (owner: string): Promise<void> => {
      void ask(owner);
      await next();
    };
    void ask("ada");
    void ask("bob");
    void ask("bob");
    await next();
    for (const owner of ["ada", "eve", "ada", "eve", "ada", "eve"]) await again(owner);
    expect(turns).toEqual(["ada", "bob", "ada", "bob", "eve", "ada", "eve", "ada"]);
  });

  it("go round between all who wait, within as many turns as there are viewers", async () => {
    const { ask, next, turns } = queue(new FairPlaces(1));
    const viewers = ["ada", "bob", "eve", "joe"];
    for (const owner of viewers) void ask(owner);
    void ask("bob");
    for (let each = 0; each < 40; each++) {
      await new Promise(setImmediate);
      const running = turns.at(-1);
      await next();
      // One run after the other: each comes back when its last has ended and another's has begun.
      if (running !== undefined) void ask(running);
    }
    for (let from = 0; from + 2 * viewers.length < turns.length; from++) {
      expect(new Set(turns.slice(from, from + viewers.length + 1)), `from turn ${from}`).toEqual(new Set(viewers));
    }
  });

  it("of one viewer are given in the order in which they were asked for, up to the most there are", async () => {
    const { ask, next, turns, back } = queue(new FairPlaces(2));
    for (let each = 0; each < 3; each++) void ask("ada");
    await new Promise(setImmediate);
    expect(back).toHaveLength(2);
    const [first] = back;
    await next();
    first?.();
    expect(turns).toHaveLength(3);
    void ask("ada");
    await new Promise(setImmediate);
    expect(turns, "what is given back twice is one place").toHaveLength(3);
  });

  it("are not kept for who no longer waits", async () => {
    const { ask, next, turns } = queue(new FairPlaces(1));
    const left = new AbortController();
    void ask("ada");
    const asked = ask("bob", left.signal);
    void ask("eve");
    left.abort(new Error("gone"));
    await expect(asked).rejects.toThrow("gone");
    await next();
    expect(turns).toEqual(["ada", "eve"]);
  });
});
