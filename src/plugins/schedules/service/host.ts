import type { ActingScopes, Changes, Database, Logger } from "#weftline";
import type { SchedulesConfig } from "../config.ts";

/** What schedules need of the platform. */
export interface SchedulesHost {
  readonly config: SchedulesConfig;
  readonly database: Database;
  readonly changes: Changes;
  readonly acting: ActingScopes;
  readonly log: Logger;
  /** A schedule may be due earlier than the timer knows. */
  wake(): void;
}
