import type { Changes, Database, LegalHolds, Logger } from "#weftline";
import type { MemoryConfig } from "../config.ts";
import type { MemoryStore } from "../store/store.ts";
import type { Embedding } from "./embedding.ts";

/** What the service works with. */
export interface MemoryHost {
  readonly config: MemoryConfig;
  readonly database: Database;
  readonly store: MemoryStore;
  readonly embedding: Embedding;
  readonly changes: Changes;
  readonly holds: LegalHolds;
  readonly log: Logger;
  /** Records were kept without a vector. */
  readonly wake: () => void;
}
