import type * as Callbacks from "@langchain/core/callbacks/base";
import type * as Managers from "@langchain/core/callbacks/manager";
import type * as Messages from "@langchain/core/messages";
import type * as Outputs from "@langchain/core/outputs";
import type * as Tools from "@langchain/core/tools";
import type * as ChatModels from "@langchain/openai";
import { WeftlineError, messageOf } from "#weftline";
import { createSdkLoader, type LoadedSdk } from "#plugins/openai";
import { quieten } from "./quiet.ts";

/** What brings a missing package back. */
export const installFix = "Run: npm install langchain @langchain/core @langchain/openai @langchain/langgraph";

/** The parts of LangChain that stand behind a model call, loaded. */
export interface LangChainSdk {
  readonly messages: typeof Messages;
  readonly outputs: typeof Outputs;
  readonly tools: typeof Tools;
  readonly callbacks: typeof Callbacks;
  readonly managers: typeof Managers;
  readonly models: typeof ChatModels;
  /** What LangChain's models speak through. */
  readonly openai: LoadedSdk;
}

/**
 * Loads LangChain's core and its OpenAI models at the first call and once.
 *
 * @throws UNAVAILABLE where they cannot be loaded.
 */
export function createLangChainLoader(): () => Promise<LangChainSdk> {
  const loadOpenAI = createSdkLoader();
  let loading: Promise<LangChainSdk> | undefined;
  return () =>
    (loading ??= load(loadOpenAI).catch((error: unknown) => {
      loading = undefined;
      throw unavailable(error);
    }));
}

/** What a package of LangChain's that cannot be loaded is reported as. */
export function unavailable(error: unknown): WeftlineError {
  if (error instanceof WeftlineError) return error;
  return new WeftlineError("UNAVAILABLE", { what: "LangChain", reason: messageOf(error), fix: installFix }, { cause: error });
}

async function load(loadOpenAI: () => Promise<LoadedSdk>): Promise<LangChainSdk> {
  quieten();
  const [messages, outputs, tools, callbacks, managers, models, openai] = await Promise.all([
    import("@langchain/core/messages"),
    import("@langchain/core/outputs"),
    import("@langchain/core/tools"),
    import("@langchain/core/callbacks/base"),
    import("@langchain/core/callbacks/manager"),
    import("@langchain/openai"),
    loadOpenAI(),
  ]);
  return { messages, outputs, tools, callbacks, managers, models, openai };
}
