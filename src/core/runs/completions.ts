import { serviceRef } from "../kernel/refs.ts";
import type { TokenUsage } from "./events.ts";
import type { ModelBinding } from "./runtime.ts";

/** One question to a model, apart from any conversation. */
export interface CompletionRequest {
  readonly model: ModelBinding;
  readonly instructions: string;
  readonly text: string;
  readonly maxOutputTokens: number;
  /** Aborts the request. */
  readonly signal: AbortSignal;
  /** Told what it cost, estimated where the provider does not say, also where the answer is of no use. */
  readonly onUsage: (usage: TokenUsage) => void;
}

/** Asks models, for what the platform itself wants to know of one: a summary, say. */
export interface Completions {
  /**
   * Asks once: whoever calls decides about another try.
   *
   * @returns what the model said.
   * @throws the signal's reason on abort; a `PROVIDER_…` code, CONNECTION_LOST or STREAM_TRUNCATED for what the provider or the network did.
   * @example
   * const summary = await completions.complete({ model, instructions: "Summarize.", text, maxOutputTokens: 500, signal, onUsage });
   */
  complete(request: CompletionRequest): Promise<string>;
}

/** Provided by the plugin that speaks to models; without it, nothing is summarized. */
export const completionService = serviceRef<Completions>("models.completions");
