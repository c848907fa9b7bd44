import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { WeftlineError, contribution, definePlugin } from "#weftline";
import { embedders, type Embedder } from "#plugins/memory";
import { memory } from "../../../src/plugins/index.ts";
import { qualityCases } from "./quality-set.ts";
import { remembering } from "./world.ts";

/** Nothing but words: it cannot embed. */
const words: Embedder = {
  id: "words-alone",
  dimensions: 2,
  version: "1",
  kind: "LEXICAL",
  embed: () => Promise.reject(new WeftlineError("UNAVAILABLE", { what: "Meaning", reason: "there is none here.", fix: "" })),
};
const wordsAlone = definePlugin({ id: "words", contributes: [contribution(embedders, words.id, words)] });

/** How many queries have their record among the first five. */
async function recallAt5(embedder: string): Promise<number> {
  await using world = await remembering(memory({ embedder }), [wordsAlone()]);
  const ids = new Map<string, string>();
  for (const { record, distractor } of qualityCases) {
    ids.set(record, (await world.keep(record)).id);
    await world.keep(distractor);
  }
  if (embedder !== words.id)
    await expect
      .poll(() => world.app.platform.database.read.get("select 1 from memory_record where embedder_num is null"), { timeout: 60_000 })
      .toBeUndefined();
  let found = 0;
  for (const { query, record } of qualityCases) {
    const hits = (await world.search(query, { limit: 5 })) ?? [];
    if (hits.some((hit) => hit.record.id === ids.get(record))) found++;
  }
  return found / qualityCases.length;
}

describe("search for what shares no word with its record", () => {
  it("finds it among the first five with the local model, and with the lexical embedder mostly not", { timeout: 120_000 }, async () => {
    const [local, lexical] = [await recallAt5("local-512"), await recallAt5("lexical-hash-384")];
    const fts = await recallAt5(words.id);
    console.log(`recall@5: local-512 ${local.toFixed(3)}, lexical-hash-384 ${lexical.toFixed(3)}, FTS5 alone ${fts.toFixed(3)}`);
    expect(local).toBeGreaterThanOrEqual(0.8);
    expect(local).toBeGreaterThanOrEqual(lexical + 0.3);
    // As the plugin's page prints it.
    const page = readFileSync(new URL("../../../src/plugins/memory/README.md", import.meta.url), "utf8");
    for (const [name, value] of [
      ["`local-512`", local],
      ["`lexical-hash-384`", lexical],
      ["FTS5 alone", fts],
    ] as const)
      expect(page).toContain(`| ${name} | ${value.toFixed(2)} |`);
  });
});
