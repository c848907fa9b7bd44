import { LockMode, UniqueConstraintViolationException } from "@mikro-orm/core";
import { WeftlineError, type Scope, type Tx } from "#weftline";
import { Schedule } from "../entities.ts";
import type { SchedulesHost } from "./host.ts";

/**
 * The viewer's schedule that is about to be changed, held until the transaction ends. The order of locks is schedule, stream, run.
 *
 * @throws NOT_FOUND
 */
export async function scheduleToChange(tx: Tx, id: string, path: readonly string[]): Promise<Schedule> {
  const row = await tx.em.findOne(Schedule, { id }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  return row ?? missingSchedule(path);
}

export function missingSchedule(path: readonly string[]): never {
  throw new WeftlineError("NOT_FOUND", { what: "schedule", path });
}

/** @throws RATE_LIMITED where the viewer has as many as it may. */
export async function checkCount({ config }: SchedulesHost, scope: Scope): Promise<void> {
  if ((await scope.countRows(Schedule, { where: "1 = 1", params: [] })) < config.perOwner) return;
  const message = `One owner has ${config.perOwner} schedules at most.`;
  throw new WeftlineError("RATE_LIMITED", { message, fix: "Remove one that is not needed any more." });
}

/** Writes a new or changed schedule. @throws CONFLICT where another schedule of the owner has the name. */
export async function saveSchedule(host: SchedulesHost, tx: Tx, schedule: Schedule, kind: "CREATED" | "UPDATED"): Promise<void> {
  try {
    await tx.em.flush();
  } catch (error) {
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
    const message = `Another of your schedules has the name "${schedule.name}".`;
    throw new WeftlineError("CONFLICT", { path: ["input", "name"], message }, { cause: error });
  }
  publishSchedule(host, tx, schedule, kind);
}

/** After the commit tells lists, and the timer. */
export function publishSchedule(
  host: SchedulesHost,
  tx: Pick<Tx, "afterCommit">,
  { id, tenantId, ownerId }: Schedule,
  kind: "CREATED" | "UPDATED" | "DELETED",
): void {
  tx.afterCommit(() => {
    host.changes.publish({ kind, typeName: "Schedule", id, tenantId, ownerId });
    host.wake();
  });
}
