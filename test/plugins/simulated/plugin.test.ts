import { describe, expect, it } from "vitest";
import { modelService } from "../../../src/core/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";

async function seconds(tokensPerSecond: number, firstTokenMs = 0, content = "Hello"): Promise<number> {
  await using app = await testPlatform({ plugins: [models(), simulated({ tokensPerSecond, firstTokenMs })] });
  const { fetch = globalThis.fetch, baseURL, model } = app.platform.use(modelService).resolve(undefined, { simulated: "allowed" });
  const started = performance.now();
  const answer = await fetch(`${baseURL}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model, stream: true, messages: [{ role: "user", content }] }),
  });
  expect(await answer.text()).toContain("[simulated]");
  return (performance.now() - started) / 1_000;
}

describe("the simulated plugin", () => {
  it("streams at the pace of its configuration", async () => {
    // At the default pace this takes more than half a minute.
    expect(await seconds(0, 0, "Write 2000 words about wind")).toBeLessThan(15);
    expect(await seconds(100)).toBeGreaterThan(0.05);
    expect(await seconds(0, 150)).toBeGreaterThan(0.14);
  });

  it("refuses a pace below nothing", async () => {
    await expect(testPlatform({ plugins: [models(), simulated({ tokensPerSecond: -1 })] })).rejects.toThrow("tokensPerSecond");
  });
});
