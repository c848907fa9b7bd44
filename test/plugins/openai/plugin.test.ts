import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runtimes } from "../../../src/core/index.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { openai } from "../../../src/plugins/openai/index.ts";
import { createSdkLoader } from "../../../src/plugins/openai/client.ts";
import { createOpenAIRuntime } from "../../../src/plugins/openai/runtime.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";

describe("the openai plugin", () => {
  it("stands as a framework that is simulated without a key, with the SDK's version and the models of all bindings", async () => {
    await using app = await testPlatform({ plugins: [models(), simulated(), openai()] });
    const runtime = app.platform.host.contributions(runtimes).get("openai")?.value;
    expect(await runtime?.status()).toMatchObject({ mode: "SIMULATED", reason: 'The binding "openai" has no API key.' });
    expect(await runtime?.models()).toEqual(expect.arrayContaining(["openai/gpt-5.5", "simulated/default"]));
    expect(runtime?.sdk).toEqual({ name: "openai", version: expect.stringMatching(/^7\.\d+\.\d+$/) });
  });

  it("is live with a key", async () => {
    await using app = await testPlatform({ plugins: [models({ bindings: { openai: { apiKey: "sk-some-key" } } }), openai()] });
    expect(await app.platform.host.contributions(runtimes).get("openai")?.value.status()).toEqual({ mode: "LIVE" });
  });

  it("loads the SDK at the first turn and not before", () => {
    const out = execFileSync(process.execPath, [fileURLToPath(new URL("./loads-sdk.ts", import.meta.url))], { encoding: "utf8" });
    expect(JSON.parse(out)).toEqual({ afterBoot: [], afterTurn: expect.arrayContaining([expect.stringMatching(/openai\/index\.mjs$/)]) });
  });

  it("is unavailable without the SDK, and says how to get it", async () => {
    const runtime = createOpenAIRuntime({
      models: { list: () => [], status: () => ({ mode: "LIVE" }) },
      load: createSdkLoader(),
      version: undefined,
    });
    expect(await runtime.status()).toEqual({
      mode: "UNAVAILABLE",
      reason: "The package openai is not installed.",
      fix: "Run: npm install openai",
    });
    expect(runtime.sdk).toBeUndefined();
  });
});
