import type { Contribution, Database, Jobs, Logger, RetainedData } from "#weftline";

/** What the parts of retention work with. */
export interface RetentionHost {
  readonly database: Database;
  readonly log: Logger;
  readonly jobs: Jobs;
  /** By their targets. */
  readonly data: ReadonlyMap<string, Contribution<RetainedData>>;
}
