import type { ActingScopes, Changes, Database, Logger, ModelMeter } from "#weftline";
import type { SchedulesConfig } from "../config.ts";

/** What schedules need of the platform. */
export interface SchedulesHost {
  readonly config: SchedulesConfig;
  readonly database: Database;
  readonly changes: Changes;
  readonly acting: ActingScopes;
  readonly log: Logger;
  /** Keeps limits of cost, where a plugin does. */
  readonly meter: ModelMeter | undefined;
  /** A schedule may be due earlier than the timer knows. */
  wake(): void;
}
