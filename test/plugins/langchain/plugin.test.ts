import { describe, expect, it } from "vitest";
import { runtimes } from "../../../src/core/index.ts";
import { createLangChainRuntime } from "../../../src/plugins/langchain/runtime.ts";
import { langchain, models, openai, simulated } from "../../../src/plugins/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";

describe("the langchain plugin", () => {
  it("stands as a framework that is simulated without a key, with the package's version and the options of openai", async () => {
    await using app = await testPlatform({ plugins: [models(), simulated(), openai(), langchain()] });
    const found = app.platform.host.contributions(runtimes);
    const runtime = found.get("langchain")?.value;
    expect(await runtime?.status()).toMatchObject({ mode: "SIMULATED", reason: 'The binding "openai" has no API key.' });
    expect(await runtime?.models()).toEqual(expect.arrayContaining(["openai/gpt-5.5", "simulated/default"]));
    expect(runtime?.sdk).toEqual({ name: "langchain", version: expect.stringMatching(/^1\.\d+\.\d+$/) });
    expect(runtime?.optionsSchema).toEqual(found.get("openai")?.value.optionsSchema);
  });

  it("is unavailable without the package, and says how to get it", async () => {
    const runtime = createLangChainRuntime({ list: () => [], status: () => ({ mode: "LIVE" }) }, undefined);
    expect(await runtime.status()).toEqual({
      mode: "UNAVAILABLE",
      reason: "The package langchain is not installed.",
      fix: "Run: npm install langchain @langchain/core @langchain/openai @langchain/langgraph",
    });
    expect(runtime.sdk).toBeUndefined();
  });
});
