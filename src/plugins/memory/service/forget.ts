import { WeftlineError, type Scope, type Tx } from "#weftline";
import type { MemoryRecord } from "../entities.ts";
import type { Place } from "../store/store.ts";
import { publish } from "./keep.ts";
import type { MemoryHost } from "./host.ts";

/** How many records one commit removes. */
const batch = 200;

/** Removes a record, and those that it superseded: what is forgotten is not to be read in an older wording. */
export async function forgetRecord(host: MemoryHost, tx: Tx, record: MemoryRecord): Promise<void> {
  await refuseHeld(host, tx, record);
  const rows = await host.store.lineage(tx, record.num);
  for (let at = 0; at < rows.length; at += batch)
    await host.store.remove(
      tx,
      rows.slice(at, at + batch).map(({ num }) => num),
    );
  for (const { id } of rows) publish(host, tx, { ...record, id }, "DELETED");
}

/** @throws LEGAL_HOLD for what belongs to a thread that is held */
async function refuseHeld({ holds }: MemoryHost, tx: Tx, { scope, scopeId }: Pick<Place, "scope" | "scopeId">): Promise<void> {
  if (scope === "THREAD" && (await holds.among([scopeId], tx)).size > 0) throw new WeftlineError("LEGAL_HOLD", { path: [] });
}

/** Removes all of a place, a batch a commit. @returns how many records that were. */
export async function forgetPlace(host: MemoryHost, scope: Scope, place: Place): Promise<number> {
  let count = 0;
  for (;;) {
    const gone = await scope.write((tx) => forgetSome(host, tx, place), "memory.forget-all");
    count += gone;
    if (gone < batch) return count;
  }
}

async function forgetSome(host: MemoryHost, tx: Tx, place: Place): Promise<number> {
  await refuseHeld(host, tx, place);
  const rows = await host.store.some(tx, place, batch);
  await host.store.remove(
    tx,
    rows.map(({ num }) => num),
  );
  for (const { id } of rows) publish(host, tx, { ...place, id }, "DELETED");
  return rows.length;
}
