import { describe, expect, it } from "vitest";
import { memory } from "../../../src/plugins/index.ts";
import { qualityCases } from "./quality-set.ts";
import { remembering } from "./world.ts";

/** How many queries have their record among the first five. */
async function recallAt5(embedder: string, matchedBy?: "KEYWORD"): Promise<number> {
  await using world = await remembering(memory({ embedder }));
  const ids = new Map<string, string>();
  for (const { record, distractor } of qualityCases) {
    ids.set(record, (await world.keep(record)).id);
    await world.keep(distractor);
  }
  await expect
    .poll(() => world.app.platform.database.read.get("select 1 from memory_record where embedder_num is null"), { timeout: 60_000 })
    .toBeUndefined();
  let found = 0;
  for (const { query, record } of qualityCases) {
    const hits = (await world.search(query, { limit: matchedBy ? 100 : 5 })) ?? [];
    const counted = matchedBy ? hits.filter((hit) => hit.matchedBy.includes(matchedBy)).slice(0, 5) : hits;
    if (counted.some((hit) => hit.record.id === ids.get(record))) found++;
  }
  return found / qualityCases.length;
}

describe("search for what shares no word with its record", () => {
  it("finds it among the first five with the local model, and with the lexical embedder mostly not", { timeout: 120_000 }, async () => {
    const [local, lexical] = [await recallAt5("local-512"), await recallAt5("lexical-hash-384")];
    console.log(`recall@5: local-512 ${local.toFixed(3)}, lexical-hash-384 ${lexical.toFixed(3)}`);
    expect(local).toBeGreaterThanOrEqual(0.8);
    expect(local).toBeGreaterThanOrEqual(lexical + 0.3);
  });
});
