import type * as Sdk from "openai";
import type { ClientOptions, OpenAI } from "openai";
import { WeftlineError, messageOf, type ModelBinding } from "#weftline";

/** What brings a missing SDK back. */
export const installFix = "Run: npm install openai";

/** The SDK, loaded, and a client class that knows nothing but what it is given. */
export interface LoadedSdk {
  readonly sdk: typeof Sdk;
  readonly Client: new (options: ClientOptions) => OpenAI;
}

/**
 * Loads the SDK at the first call and once.
 *
 * @throws UNAVAILABLE where it cannot be loaded.
 */
export function createSdkLoader(): () => Promise<LoadedSdk> {
  let loading: Promise<LoadedSdk> | undefined;
  return () =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw new WeftlineError("UNAVAILABLE", { what: "The OpenAI SDK", reason: messageOf(error), fix: installFix }, { cause: error });
    }));
}

async function load(): Promise<LoadedSdk> {
  const sdk = await import("openai");
  class Client extends sdk.OpenAI {
    constructor(options: ClientOptions) {
      super(options);
      // The SDK adds headers from OPENAI_CUSTOM_HEADERS, which no option turns off.
      this._options.defaultHeaders = undefined;
    }
  }
  return { sdk, Client };
}

/** A client for one binding. Everything that the SDK would look for in the environment is given here. */
export function createClient({ Client }: LoadedSdk, model: ModelBinding, apiKey: string): OpenAI {
  return new Client({
    apiKey,
    baseURL: model.baseURL,
    timeout: model.timeoutMs,
    // Retries live in one place, the engine's.
    maxRetries: 0,
    fetch: model.fetch ?? globalThis.fetch,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    // The SDK would log requests and answers to the console.
    logLevel: "off",
  });
}
