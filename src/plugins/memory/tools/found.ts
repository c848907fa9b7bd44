import { WeftlineError } from "#weftline";
import { MemoryRecord } from "../entities.ts";
import type { MemoryHost } from "../service/host.ts";
import { takenId } from "../service/workflow-memory.ts";
import type { Allowed } from "./allowed.ts";

/**
 * A record that a model names, where it stands in a place that the run may use and is not the tenant's.
 *
 * @throws NOT_FOUND for any other, whether there is one or not.
 */
export async function recordToChange({ database }: MemoryHost, { places }: Allowed, id: string): Promise<MemoryRecord> {
  const em = database.em("SYSTEM");
  const rootId = places.get("WORKFLOW")?.scopeId;
  const [own, taken, now] = await Promise.all([
    em.findOne(MemoryRecord, { id }),
    rootId === undefined ? null : em.findOne(MemoryRecord, { id: takenId(rootId, id) }),
    database.now(),
  ]);
  const record = taken ?? own;
  const place = record && places.get(record.scope);
  const isThere =
    place &&
    record.tenantId === place.tenantId &&
    record.scopeId === place.scopeId &&
    record.ownerId === place.ownerId &&
    (record.expiresAt == null || record.expiresAt > now);
  if (isThere) return record;
  throw new WeftlineError("NOT_FOUND", { what: "record", fix: "Take an id that memory.search gave." });
}
