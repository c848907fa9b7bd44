import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memory } from "../../../src/plugins/index.ts";
import { remembering, type Remembering } from "./world.ts";

/** Two facts, and whether they say the same or something else. */
interface Pair {
  readonly one: string;
  readonly other: string;
  readonly says: "the same" | "something else";
}

const pairs = JSON.parse(readFileSync(new URL("../../fixtures/memory/pairs.json", import.meta.url), "utf8")) as readonly Pair[];
const those = (says: Pair["says"]): Pair[] => pairs.filter((pair) => pair.says === says);

let world: Remembering;
beforeAll(async () => void (world = await remembering(memory({ embedder: "local-512" }))));
afterAll(() => world.app.close());

/** How near two facts are, as a search says it. */
async function similarity({ one, other }: Pair, pair: number): Promise<number> {
  const [first, second] = [
    await world.keep(one, undefined, { metadata: { pair } }),
    await world.keep(other, undefined, { metadata: { pair } }),
  ];
  expect(second.id).not.toBe(first.id);
  await expect.poll(async () => (await world.node(second.id))?.embedder).toBe("local-512");
  const hits = (await world.search(one, { metadata: { pair } })) ?? [];
  for (const { record } of hits) expect(record.supersededBy).toBeNull();
  return hits.find(({ record }) => record.id === second.id)?.similarity ?? Number.NaN;
}

describe("facts that mean nearly the same", () => {
  it("are at least 40 pairs, of which half say something else", () => {
    expect(those("the same").length).toBeGreaterThanOrEqual(20);
    expect(those("something else").length).toBeGreaterThanOrEqual(20);
  });

  it("are kept as two, since no similarity tells what is the same from what is not", async () => {
    const near = new Map<Pair, number>();
    for (const [at, pair] of pairs.entries()) near.set(pair, await similarity(pair, at));
    const of = (says: Pair["says"]): number[] => those(says).map((pair) => near.get(pair) ?? Number.NaN);
    const [same, other] = [of("the same"), of("something else")];
    const threshold = Math.max(...other);
    console.log(
      `something else: up to ${threshold.toFixed(3)}; the same: ${Math.min(...same).toFixed(3)} to ${Math.max(...same).toFixed(3)}`,
    );
    // Where nothing else is merged, none of what is the same would be.
    expect(same.filter((value) => value > threshold)).toEqual([]);
    expect(other.filter((value) => value > Math.max(...same)).length).toBeGreaterThan(other.length / 2);
  });

  it("differ by a day, a number, a negation or a direction, and the newer takes the older's place only where it is told so", async () => {
    const monday = await world.keep("The team meets on Monday at nine.");
    const tuesday = await world.keep("The team meets on Tuesday at nine.");
    expect((await world.node(monday.id))?.supersededBy).toBeNull();
    const { record } = await world.update(tuesday.id, { text: "The team meets on Wednesday at nine." });
    expect((await world.node(tuesday.id))?.supersededBy).toEqual({ id: record?.id });
    const found = ((await world.search("When does the team meet?")) ?? []).map(({ record: { id } }) => id);
    expect(found).toEqual(expect.arrayContaining([monday.id, record?.id]));
    expect(found).not.toContain(tuesday.id);
  });
});
