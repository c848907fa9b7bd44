import { extensionPoint, type MaybePromise, type ModelFile } from "#weftline";

/** A named place where models answer, over OpenAI's wire protocol. */
export interface ModelBindingSource {
  /** As in `openai`; stands in usage and errors. */
  readonly provider: string;
  readonly provenance: "LIVE" | "SIMULATED";
  /** Which of OpenAI's two APIs it speaks best. */
  readonly api: "responses" | "chat";
  readonly baseURL: string;
  /** Asked at each use and kept nowhere. */
  readonly apiKey: () => MaybePromise<string>;
  /** For what is reached in another way than by the network. */
  readonly fetch?: typeof fetch;
  /** How long it may take until the answer begins, and from one piece to the next, in milliseconds. */
  readonly timeoutMs: number;
  /** Files besides text that its models take; pictures by default. */
  readonly files?: readonly ModelFile[];
  /** Models to choose from. */
  readonly models: readonly string[];
  /** Whether it answers for other models than those of `models`. */
  readonly otherModels: "allowed" | "refused";
  /** The model of agents that name none; absent where they have to. */
  readonly defaultModel?: string;
}

/**
 * Where plugins put bindings besides those of the configuration, by name. The one named `simulated` answers where a binding has no key.
 *
 * @example
 * contribute(modelBindings, "local", { provider: "local", provenance: "LIVE", api: "chat", baseURL: "http://127.0.0.1:8000/v1", … });
 */
export const modelBindings = extensionPoint<ModelBindingSource>("models.bindings");

/** The name of the binding that answers where another has no key. */
export const simulatedBinding = "simulated";
