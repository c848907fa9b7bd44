import type { Tx } from "../database/database.ts";
import type { Viewer } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import type { RunTrigger } from "./types.ts";

/** What somebody asks for is refused beyond the limit; what the platform asks for goes on. */
const asked: readonly RunTrigger[] = ["API", "CHAT", "RETRY", "SCHEDULE", "WEBHOOK"];
/** Whether somebody asks for the run, and not the platform itself. */
export const isAsked = (trigger: RunTrigger): boolean => asked.includes(trigger);

/** Of how many viewers a figure is kept. */
const mostViewers = 10_000;

/**
 * Keeps viewers from having more open runs than allowed. In memory there is a figure for each that is never less than what it has, since only
 * this process starts runs in its store: while that is below the limit nothing is read. At the limit the store is asked, in the
 * transaction of the insert, so that runs that start at once count each other.
 */
export class OpenRuns {
  readonly #most: () => number;
  readonly #atMost = new Map<string, number>();

  constructor(most: () => number) {
    this.#most = most;
  }

  /**
   * Counts a run that is about to be inserted.
   *
   * @throws RATE_LIMITED
   */
  async take(tx: Tx, { tenantId, actorId }: Viewer, trigger: RunTrigger): Promise<void> {
    const most = this.#most();
    const key = JSON.stringify([tenantId, actorId]);
    let open = this.#atMost.get(key) ?? most;
    if (open >= most) open = await countOpen(tx, tenantId, actorId);
    if (open >= most && isAsked(trigger)) {
      const fix = "Wait until some have ended, or cancel some.";
      throw new WeftlineError("RATE_LIMITED", { message: `Too many open runs at once: ${most} are allowed.`, fix });
    }
    if (this.#atMost.size >= mostViewers) this.#atMost.clear();
    this.#atMost.set(key, open + 1);
  }
}

async function countOpen(tx: Tx, tenantId: string, ownerId: string): Promise<number> {
  const counted = await tx.sql.get<{ open: number }>(
    "select count(*) as open from runs_run where tenant_id = ? and owner_id = ? and finished_at is null and parent_id is null",
    tenantId,
    ownerId,
  );
  return counted?.open ?? 0;
}
