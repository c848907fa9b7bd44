import type { Embedder } from "../../plugins/memory/contract.ts";

/** An embedder that is put to the test. */
export interface EmbedderUnderTest {
  /** Makes it, ready to embed; called for each check, and closed after it. */
  readonly create: () => Embedder | Promise<Embedder>;
  /** Makes it where it cannot embed now; left out for one that always can. */
  readonly unavailable?: () => Embedder | Promise<Embedder>;
  /** What it is configured with that no error may say. */
  readonly secrets?: readonly string[];
}

/** One thing that has to hold for an embedder. */
export interface EmbedderCheck {
  /** What holds, as a sentence about the embedder. */
  readonly name: string;
  /** @throws AssertionError where it does not. */
  readonly run: () => Promise<void>;
}
