import type { Tx } from "../../database/database.ts";
import { WeftlineError } from "../../errors.ts";
import { characterCount, isBlank } from "../../json/characters.ts";
import { appendSignal, type AppendHost } from "../append.ts";
import { Run } from "../entities/run.ts";
import { event } from "../events.ts";
import { projectedRun } from "../projector.ts";
import { isTerminal } from "../types.ts";
import type { Signal } from "./types.ts";

const maxName = 100;
/** Of a payload, in bytes of JSON. */
const maxPayload = 64 * 1024;
/** How many signals of a run wait to be taken at most. */
const maxUntaken = 1_000;

/**
 * Sends a run a signal, within the caller's transaction. It is logged whenever it comes, also before anything waits for it.
 *
 * @throws NOT_FOUND; INVALID_INPUT; CONFLICT for a run that has ended; RATE_LIMITED while too many are not taken.
 */
export async function signalRun(host: AppendHost, tx: Tx, runId: string, signal: Signal): Promise<void> {
  const { name, payload } = signal;
  checkSignal(signal);
  const run = await tx.em.findOne(Run, { id: runId });
  if (!run) throw new WeftlineError("NOT_FOUND", { what: "run", path: ["run"] });
  if (isTerminal(run.status))
    throw new WeftlineError("CONFLICT", { message: "The run has ended and takes no more signals.", path: ["run"] });
  const untaken = await tx.sql.get<{ n: number }>(
    "select count(*) as n from (select 1 from runs_signal where run_id = ? and taken_by is null limit ?)",
    runId,
    maxUntaken,
  );
  if ((untaken?.n ?? 0) >= maxUntaken) {
    const message = `The run has ${maxUntaken} signals that it has not taken.`;
    throw new WeftlineError("RATE_LIMITED", { message, fix: "Wait until it has taken some.", path: ["run"] });
  }
  await host.quota.check(tx.sql, run);
  await appendSignal(host, tx, projectedRun(run), [event("signal.received", { name, ...(payload == null ? {} : { payload }) })]);
}

function checkSignal({ name, payload }: Signal): void {
  if (isBlank(name) || characterCount(name) > maxName) throw invalid("name", `A signal's name has 1 to ${maxName} characters.`);
  const bytes = Buffer.byteLength(JSON.stringify(payload ?? null));
  if (bytes > maxPayload)
    throw invalid("payload", `A payload has at most ${maxPayload / 1024} KiB of JSON; this has ${Math.ceil(bytes / 1024)}.`);
}

function invalid(field: string, message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message, path: [field], issues: [{ path: [field], message }] });
}
