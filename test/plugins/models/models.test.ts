import { inspect } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { defineConfig, definePlugin, modelService, type Models } from "../../../src/core/index.ts";
import { composePlatform } from "../../../src/core/platform.ts";
import { modelBindings } from "../../../src/plugins/models/contract.ts";
import { models } from "../../../src/plugins/models/index.ts";
import { simulated } from "../../../src/plugins/simulated/index.ts";
import { testPlatform } from "../../../src/testing/index.ts";

const key = "sk-models-test-KEEP-THIS-SECRET";
const allowed = { simulated: "allowed" } as const;
const forbidden = { simulated: "forbidden" } as const;

async function withModels<T>(plugins: Parameters<typeof testPlatform>[0]["plugins"], work: (models: Models) => T | Promise<T>): Promise<T> {
  await using app = await testPlatform({ plugins });
  return await work(app.platform.use(modelService));
}

describe("a binding with a key", () => {
  it("answers for its own models by their names, with or without the binding's", async () => {
    await withModels([models({ bindings: { openai: { apiKey: key } } }), simulated()], async (service) => {
      const binding = service.resolve("gpt-5.5", forbidden);
      expect(binding).toMatchObject({
        id: "openai",
        provider: "openai",
        model: "gpt-5.5",
        provenance: "LIVE",
        api: "responses",
        baseURL: "https://api.openai.com/v1",
      });
      expect(await binding.apiKey()).toBe(key);
      expect(service.resolve("openai/gpt-5.5", allowed)).toMatchObject({ model: "gpt-5.5" });
      expect(service.resolve(undefined, allowed).model).toBe("gpt-5.4-mini");
      expect(service.status()).toEqual({ mode: "LIVE" });
    });
  });

  it("sends a name with slashes nowhere unasked: it begins with a binding, or the default binding has it", async () => {
    const bindings = {
      router: { apiKey: key, baseURL: "https://openrouter.ai/api/v1", defaultModel: "anthropic/claude" },
      ollama: { baseURL: "http://127.0.0.1:11434/v1" },
      vllm: { baseURL: "http://127.0.0.1:8000/v1", models: ["Qwen/Qwen3-32B"] },
    };
    await withModels([models({ bindings, default: "router" })], (service) => {
      expect(service.resolve(undefined, allowed)).toMatchObject({ id: "router", model: "anthropic/claude" });
      expect(service.resolve("anthropic/claude", allowed)).toMatchObject({ id: "router", model: "anthropic/claude" });
      expect(() => service.resolve("groq/llama-3.3", allowed)).toThrow(
        /There is no binding "groq", .*Add models\({ bindings: { "groq": … } }\), or name a binding first: "router\/groq\/llama-3.3"/,
      );
      expect(service.resolve("ollama/library/qwen3", allowed)).toMatchObject({ id: "ollama", model: "library/qwen3" });
      expect(service.resolve("router/meta-llama/llama-4", allowed)).toMatchObject({ id: "router", model: "meta-llama/llama-4" });
      expect(service.resolve("vllm/Qwen/Qwen3-32B", allowed)).toMatchObject({ id: "vllm", model: "Qwen/Qwen3-32B" });
    });
    await withModels([models({ bindings, default: "vllm" })], (service) => {
      expect(service.resolve("Qwen/Qwen3-32B", allowed)).toMatchObject({ id: "vllm", model: "Qwen/Qwen3-32B" });
    });
  });

  it("shows its key nowhere", async () => {
    await using app = await testPlatform({ plugins: [models({ bindings: { openai: { apiKey: key } } }), simulated()] });
    const service = app.platform.use(modelService);
    const shown = [
      inspect(service.resolve("gpt-5.5", allowed), { depth: 9 }),
      JSON.stringify(service.resolve("gpt-5.5", allowed)),
      inspect(service.list()),
      inspect(service.status()),
    ];
    expect(shown.join("\n")).not.toContain(key);
    expect(inspect(app.platform.kernel.report, { depth: 9 })).not.toContain(key);
  });
});

describe("a binding to another server than OpenAI's", () => {
  it("speaks Chat Completions by default, and needs no key", async () => {
    const bindings = {
      ollama: { baseURL: "http://127.0.0.1:11434/v1", defaultModel: "llama3.3" },
      vllm: { baseURL: "http://127.0.0.1:8000/v1", api: "responses" as const },
    };
    await withModels([models({ bindings }), simulated()], async (service) => {
      const binding = service.resolve(undefined, forbidden);
      expect(binding).toMatchObject({ id: "ollama", provider: "ollama", model: "llama3.3", api: "chat", provenance: "LIVE" });
      expect(await binding.apiKey()).not.toBe("");
      expect(service.resolve("vllm/qwen", forbidden).api).toBe("responses");
      expect(service.status()).toEqual({ mode: "LIVE" });
    });
  });

  it("has to be told its model where it has no default", async () => {
    await withModels([models({ bindings: { ollama: { baseURL: "http://127.0.0.1:11434/v1" } } })], (service) => {
      expect(() => service.resolve(undefined, allowed)).toThrow(
        expect.objectContaining({ code: "INVALID_INPUT", message: expect.stringContaining("ollama/model") }),
      );
    });
  });
});

describe("a binding with a list of models", () => {
  it("answers for no other, and its first is the default", async () => {
    await withModels([models({ bindings: { openai: { apiKey: key, models: ["a", "b"] } } })], (service) => {
      expect(service.list()).toEqual(["openai/a", "openai/b"]);
      expect(service.resolve(undefined, allowed).model).toBe("a");
      expect(() => service.resolve("c", allowed)).toThrow(expect.objectContaining({ code: "INVALID_INPUT" }));
      expect(() => service.resolve("nowhere/a", allowed)).toThrow(
        expect.objectContaining({ code: "INVALID_INPUT", details: expect.objectContaining({ path: ["model"] }) }),
      );
    });
  });
});

describe("without a key", () => {
  it.each([
    { bindings: undefined },
    { bindings: { openai: { apiKey: "" } } },
    { bindings: { openai: {} } },
    { bindings: { openai: { baseURL: "http://127.0.0.1:1/v1" } } },
  ])("the simulated binding answers, marked as such: $bindings", async ({ bindings }) => {
    await withModels([models(bindings ? { bindings } : {}), simulated()], (service) => {
      expect(service.resolve("gpt-5.5", allowed)).toMatchObject({
        id: "simulated",
        provider: "simulated",
        model: "default",
        provenance: "SIMULATED",
      });
      expect(service.resolve(undefined, allowed).provenance).toBe("SIMULATED");
      expect(service.status()).toEqual({
        mode: "SIMULATED",
        reason: 'The binding "openai" has no API key.',
        fix: expect.stringContaining("models({ bindings: { openai: { apiKey: process.env.OPENAI_API_KEY } } })"),
      });
    });
  });

  it("nothing answers where simulation is forbidden", async () => {
    await withModels([models(), simulated()], (service) => {
      expect(() => service.resolve("gpt-5.5", forbidden)).toThrow(expect.objectContaining({ code: "SIMULATION_FORBIDDEN" }));
      expect(() => service.resolve("simulated/default", forbidden)).toThrow(expect.objectContaining({ code: "SIMULATION_FORBIDDEN" }));
    });
  });

  it("nothing answers where the simulated plugin is not installed, and the reason says what is missing", async () => {
    await withModels([models()], (service) => {
      expect(service.status()).toEqual({
        mode: "UNAVAILABLE",
        reason: 'The binding "openai" has no API key.',
        fix: expect.stringContaining("models({ bindings: { openai: { apiKey: process.env.OPENAI_API_KEY } } })"),
      });
      expect(() => service.resolve(undefined, allowed)).toThrow(
        expect.objectContaining({ code: "UNAVAILABLE", message: expect.stringContaining('The binding "openai" has no API key.') }),
      );
    });
  });
});

describe("bindings of other plugins", () => {
  const local = definePlugin({
    id: "local",
    setup: ({ contribute }) => {
      const source = {
        provider: "local",
        provenance: "LIVE",
        api: "chat",
        baseURL: "http://127.0.0.1:1/v1",
        apiKey: () => "none",
        timeoutMs: 1_000,
        models: ["tiny"],
        otherModels: "refused",
        defaultModel: "tiny",
      } as const;
      contribute(modelBindings, "local", source);
      return {};
    },
  });

  it("are named like those of the configuration, and can be the default", async () => {
    await withModels([models({ bindings: { openai: { apiKey: key } }, default: "local" }), local(), simulated()], (service) => {
      expect(service.resolve(undefined, allowed)).toMatchObject({ id: "local", model: "tiny" });
      expect(service.resolve("openai/gpt-5.5", allowed).id).toBe("openai");
      expect(service.list()).toEqual(expect.arrayContaining(["openai/gpt-5.5", "local/tiny", "simulated/default"]));
    });
  });

  it("refuse the boot where the configuration has one of the same name", async () => {
    await expect(testPlatform({ plugins: [models({ bindings: { local: { apiKey: key } } }), local()] })).rejects.toThrow(
      /bindings\.local: the plugin "local" brings a binding of that name/,
    );
  });

  it("refuse the boot where the default names none", async () => {
    await expect(testPlatform({ plugins: [models({ default: "nowhere" })] })).rejects.toThrow(/default: there is no binding "nowhere"/);
  });
});

describe("the configuration", () => {
  it.each([
    { what: "a base URL that is none", bindings: { openai: { baseURL: "api.openai.com" } }, problem: "bindings.openai.baseURL" },
    {
      what: "a default model outside the list",
      bindings: { openai: { models: ["a"], defaultModel: "b" } },
      problem: "a defaultModel has to stand",
    },
    { what: "a name that a model could hold", bindings: { "open/ai": {} }, problem: "lower-case letters" },
    { what: "an option that nobody knows", bindings: { openai: { key } }, problem: "bindings.openai" },
  ])("refuses $what, without showing a key", async ({ bindings, problem }) => {
    const boot = composePlatform(defineConfig({ plugins: [models({ bindings: bindings as never })], logLevel: "silent" }));
    await expect(boot).rejects.toThrow(problem);
    expect(await boot.catch((error: unknown) => inspect(error, { depth: 9 }))).not.toContain(key);
  });

  it("of the simulated plugin sets its pace and its models", async () => {
    await withModels([models(), simulated({ tokensPerSecond: 0, models: ["small", "large"] })], async (service) => {
      const binding = service.resolve("simulated/large", allowed);
      expect(service.resolve(undefined, allowed).model).toBe("small");
      expect(service.list()).toEqual(expect.arrayContaining(["simulated/small", "simulated/large"]));
      // Any pace would wait for the clock, which stands still.
      vi.useFakeTimers({ toFake: ["setTimeout"] });
      const answer = await binding.fetch?.(`${binding.baseURL}/chat/completions`, {
        method: "POST",
        body: JSON.stringify({ model: binding.model, messages: [{ role: "user", content: "Write 200 words" }] }),
      });
      expect(answer?.headers.get("x-simulated")).toBe("1");
      vi.useRealTimers();
    });
  });
});

it("stands without any binding of its own", async () => {
  await withModels([models({ bindings: {} }), simulated()], (service) => {
    expect(service.status()).toMatchObject({ mode: "SIMULATED", reason: 'The default binding "simulated" is simulated.' });
    expect(service.resolve(undefined, allowed).id).toBe("simulated");
  });
});
