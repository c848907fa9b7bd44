import { extensionPoint, type MaybePromise } from "#weftline";

/** How an embedder stands. */
export interface EmbedderStatus {
  readonly state: "READY" | "UNAVAILABLE";
  /** Why it cannot embed. Never a secret. */
  readonly reason?: string;
  /** The command or setting that changes it. */
  readonly fix?: string;
}

/** Turns texts into vectors, so that those that mean something alike are near to one another. */
export interface Embedder {
  /** As in `local-512`; the name under which it stands at {@link embedders}. */
  readonly id: string;
  /** How many numbers a vector has, at most 4,096. */
  readonly dimensions: number;
  /** Another version makes vectors that cannot be compared with those before. */
  readonly version: string;
  /** SEMANTIC finds what means the same; LEXICAL only what is written alike. */
  readonly kind: "SEMANTIC" | "LEXICAL";
  /**
   * @param signal aborts when nobody waits any longer.
   * @returns a vector for each text, in their order.
   * @throws UNAVAILABLE where it cannot embed now, with `retryAfterMs` where it knows when it can; INVALID_INPUT where it will never take one of the texts:
   * each is then tried by itself, so that one keeps no other waiting.
   */
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
  /** Looks without embedding anything; READY by default. */
  status?(): MaybePromise<EmbedderStatus>;
  /** Gives back what it holds; it may be asked again. */
  close?(): void;
}

/**
 * Where plugins put {@link Embedder}s, by id. `memory({ embedder: "<id>" })` chooses one.
 *
 * @example contribute(embedders, "house-768", houseEmbedder);
 */
export const embedders = extensionPoint<Embedder>("memory.embedders");
