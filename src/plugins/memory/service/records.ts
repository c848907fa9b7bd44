import { v7 as newId } from "uuid";
import { WeftlineError, databaseService, idempotently, pageOf, type Page, type PageArgs, type Scope } from "#weftline";
import type { FilterQuery } from "@mikro-orm/core";
import type { MemoryHit, MemoryRecords, Remember, ScopeRef, SearchMemory } from "../contract.ts";
import { MemoryRecord } from "../entities.ts";
import { forgetPlace, forgetRecord } from "./forget.ts";
import type { MemoryHost } from "./host.ts";
import { keep, publish, supersede } from "./keep.ts";
import { checkWriter, placeOf } from "./places.ts";
import { checkedMetadata, checkedText, expiryOf, refused } from "./problems.ts";
import { mostHits, mostScopes, searchPlaces } from "./search.ts";

/** Records as viewers see and change them. */
export function createRecords(host: MemoryHost): MemoryRecords {
  const { database } = host;

  async function committed(scope: Scope, id: string): Promise<MemoryRecord> {
    return (await loadRecords(scope, [id]))[0] ?? missing([]);
  }

  return {
    remember: (scope, request) => remember(host, scope, request).then((id) => committed(scope, id)),

    async update(scope, { id, text: given, metadata }) {
      if (given === null) throw refused(["text"], "A fact has a text: forget the record instead.");
      const text = given === undefined ? undefined : checkedText(given, ["text"]);
      const meant = metadata === undefined ? undefined : checkedMetadata(metadata, ["metadata"]);
      const before = await toChange(scope, id);
      const isOther = text !== undefined && text !== before.text;
      const vector = isOther ? await host.embedding.vectorOf(text) : undefined;
      const now = await database.now();
      const changed = await scope.write(async (tx) => {
        const record = (await tx.em.findOne(MemoryRecord, { id })) ?? missing(["record"]);
        if (record.supersededById != null)
          throw new WeftlineError("CONFLICT", { path: ["record"], message: "Another record took its place: change that one." });
        if (!isOther) {
          const kept = meant ?? record.metadata;
          await host.store.change(tx, record.num, { metadata: kept, expiresAt: record.expiresAt ?? null, now });
          publish(host, tx, record, "UPDATED");
          return record.id;
        }
        const { tenantId, scope: kind, scopeId, ownerId, expiresAt = null } = record;
        const place = { tenantId, scope: kind, scopeId, ownerId: kind === "TENANT" ? "" : ownerId };
        const fact = {
          id: newId(),
          place,
          ownerId: scope.viewer.actorId,
          text,
          metadata: meant ?? record.metadata,
          sourceRunId: null,
          now,
          expiresAt,
          vector,
        };
        const kept = await keep(host, tx, fact, record.id);
        await supersede(host, tx, record, { by: kept.id, now });
        return kept.id;
      }, "memory.update");
      return committed(scope, changed);
    },

    async forget(scope, id) {
      await toChange(scope, id);
      await scope.write(async (tx) => {
        const record = await tx.em.findOne(MemoryRecord, { id });
        if (record) await forgetRecord(host, tx, record);
      }, "memory.forget");
    },

    async forgetAll(scope, ref) {
      const place = await placeOf(scope, ref, ["scope"]);
      checkWriter(scope.viewer, place);
      return forgetPlace(host, scope, place);
    },

    list: (scope, ref, args) => list(host, scope, ref, args),
    search: (scope, request) => search(host, scope, request),
  };
}

async function remember(
  host: MemoryHost,
  scope: Scope,
  { text: given, scope: ref, metadata, ttl, idempotencyKey }: Remember,
): Promise<string> {
  const text = checkedText(given, ["input", "text"]);
  const meant = checkedMetadata(metadata, ["input", "metadata"]);
  const now = await host.database.now();
  const expiresAt = expiryOf(ttl, now);
  const place = await placeOf(scope, ref, ["input", "scope"]);
  checkWriter(scope.viewer, place);
  const vector = await host.embedding.vectorOf(text);
  const body = { text: given, scope: ref, metadata: metadata ?? null, ttl: ttl ?? null };
  const { id } = await idempotently(scope, { mutation: "remember", key: idempotencyKey, body, name: "memory.remember" }, async (tx) => {
    const fact = { id: newId(), place, ownerId: scope.viewer.actorId, text, metadata: meant, sourceRunId: null, now, expiresAt, vector };
    return { id: (await keep(host, tx, fact)).id };
  });
  return id;
}

/** Records by their ids as the viewer sees them now: none that have expired. In no order. */
export async function loadRecords(scope: Scope, ids: readonly string[]): Promise<MemoryRecord[]> {
  const now = await scope.use(databaseService).now();
  const rows = await scope.em.find(MemoryRecord, { id: { $in: [...ids] } });
  return rows.filter(({ expiresAt }) => expiresAt == null || expiresAt > now);
}

/** A record that the viewer may change: its own, or one of the tenant's for an admin. @throws NOT_FOUND, FORBIDDEN */
async function toChange(scope: Scope, id: string): Promise<MemoryRecord> {
  const record = (await loadRecords(scope, [id]))[0] ?? missing(["record"]);
  checkWriter(scope.viewer, record);
  return record;
}

async function list({ database }: MemoryHost, scope: Scope, ref: ScopeRef | undefined, args: PageArgs): Promise<Page<MemoryRecord>> {
  const now = await database.now();
  const live = { $or: [{ expiresAt: null }, { expiresAt: { $gt: now } }] };
  const where = ref ? await rowsOf(scope, ref) : { tenantId: scope.viewer.tenantId, ownerId: scope.viewer.actorId };
  return pageOf(scope.em, MemoryRecord, { ...(where as object), ...live } as FilterQuery<MemoryRecord>, args, {
    createdAt: "desc",
    id: "desc",
  });
}

async function rowsOf(scope: Scope, ref: ScopeRef): Promise<FilterQuery<MemoryRecord>> {
  const { tenantId, scope: kind, scopeId, ownerId } = await placeOf(scope, ref, ["scope"]);
  return { tenantId, scope: kind, scopeId, ...(kind === "TENANT" ? {} : { ownerId }) };
}

async function search(
  host: MemoryHost,
  scope: Scope,
  { query, scopes, limit, minScore, metadata }: SearchMemory,
): Promise<readonly MemoryHit[]> {
  const most = limit ?? 10;
  if (query.trim() === "") throw refused(["input", "query"], "There is nothing to search for.");
  if (most < 1 || most > mostHits) throw refused(["input", "limit"], `A search gives 1 to ${mostHits} records.`);
  if (scopes.length === 0 || scopes.length > mostScopes)
    throw refused(["input", "scopes"], `A search looks through 1 to ${mostScopes} scopes.`);
  const wanted = checkedMetadata(metadata, ["input", "metadata"]);
  const places = await Promise.all(scopes.map((ref, at) => placeOf(scope, ref, ["input", "scopes", String(at)])));
  const { tenantId, actorId } = scope.viewer;
  const caller = `${tenantId}:${actorId}`;
  const filter = Object.keys(wanted).length === 0 ? undefined : wanted;
  const hits = await searchPlaces(host, { query, places, limit: most, metadata: filter, caller, tenantId });
  const rows = new Map(
    (
      await loadRecords(
        scope,
        hits.map(({ id }) => id),
      )
    ).map((row) => [row.id, row]),
  );
  return hits.flatMap(({ id, ...hit }) => {
    const record = rows.get(id);
    return record && hit.score >= (minScore ?? 0) ? [{ record, ...hit }] : [];
  });
}

function missing(path: readonly string[]): never {
  throw new WeftlineError("NOT_FOUND", { what: "record", path });
}
