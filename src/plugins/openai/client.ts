import { isDeepStrictEqual } from "node:util";
import type * as Sdk from "openai";
import type { ClientOptions, OpenAI } from "openai";
import { WeftlineError, messageOf, type ModelBinding } from "#weftline";

/** What brings a missing SDK back. */
export const installFix = "Run: npm install openai";

/** The SDK, loaded. */
export interface LoadedSdk {
  readonly sdk: typeof Sdk;
  /** The client of a binding, which knows nothing but what it is given. It is made once, and again when the binding or its key changes. */
  clientFor(model: ModelBinding, apiKey: string): OpenAI;
}

type ClientClass = new (options: ClientOptions) => OpenAI;

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
  return { sdk, clientFor: createClients(Client) };
}

/** To make a client costs as much as all else that a short call needs of the SDK. */
function createClients(Client: ClientClass): LoadedSdk["clientFor"] {
  const known = new Map<string, { readonly settings: ClientSettings; readonly client: OpenAI }>();
  return ({ id, baseURL, timeoutMs }, apiKey) => {
    const settings = { apiKey, baseURL, timeout: timeoutMs };
    const found = known.get(id);
    if (found && isDeepStrictEqual(found.settings, settings)) return found.client;
    const client = createClient(Client, settings);
    known.set(id, { settings, client });
    return client;
  };
}

type ClientSettings = Required<Pick<ClientOptions, "baseURL" | "timeout">> & { readonly apiKey: string };

/** Where a request says how it is made: a run has a way of its own, and a client is for all of them. */
const via = Symbol("via");

/** The options of a request to a binding's provider. */
export function requestVia({ fetch }: Pick<ModelBinding, "fetch">): Pick<RequestOptions, "fetchOptions"> {
  return fetch === undefined ? {} : { fetchOptions: { [via]: fetch } as NonNullable<RequestOptions["fetchOptions"]> };
}

type RequestOptions = NonNullable<Parameters<OpenAI["responses"]["create"]>[1]>;

/** Everything that the SDK would look for in the environment is given here. */
function createClient(Client: ClientClass, settings: ClientSettings): OpenAI {
  return new Client({
    ...settings,
    fetch: (url, init) => ((init as { readonly [via]?: typeof fetch } | undefined)?.[via] ?? globalThis.fetch)(url, init),
    // Retries live in one place, the engine's.
    maxRetries: 0,
    adminAPIKey: null,
    organization: null,
    project: null,
    webhookSecret: null,
    // The SDK would log requests and answers to the console.
    logLevel: "off",
  });
}
