import { hash } from "node:crypto";
import { Run, WeftlineError, type Tx } from "#weftline";
import { Thread } from "#plugins/chat";
import type { MemoryRecord } from "../entities.ts";
import { plainWords } from "../store/words.ts";
import type { NewRecord, Place, Vector } from "../store/store.ts";
import type { MemoryHost } from "./host.ts";

/** A fact that is about to be kept. */
export interface Fact {
  readonly id: string;
  readonly place: Place;
  /** Who remembers it. */
  readonly ownerId: string;
  readonly text: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly sourceRunId: string | null;
  readonly now: number;
  readonly expiresAt: number | null;
  readonly vector: Vector | undefined;
}

/** What became of a fact: a record of its own, or one with a record that says the same. */
export interface Kept {
  readonly id: string;
  readonly outcome: "SAVED" | "MERGED";
}

/** Facts that differ in case, punctuation and articles alone have one digest. */
export function digestOf(text: string): string {
  return hash("sha256", plainWords(text), "base64url");
}

/**
 * Keeps a fact within a write. What says the same in its place is one with it: the newer metadata and the later expiry hold.
 *
 * @param but a record that is not asked whether it says the same.
 * @throws RATE_LIMITED where the place is full, NOT_FOUND where its thread or run went meanwhile.
 */
export async function keep(host: MemoryHost, tx: Tx, fact: Fact, but?: string): Promise<Kept> {
  const digest = digestOf(fact.text);
  const { place, now, metadata, expiresAt } = fact;
  await checkPlace(tx, place);
  const twin = await host.store.twin(tx, { place, digest, now, but: but ?? "" });
  if (twin) {
    const later = expiresAt === null || twin.expiresAt === null ? null : Math.max(expiresAt, twin.expiresAt);
    await host.store.change(tx, twin.num, { metadata: { ...twin.metadata, ...metadata }, expiresAt: later, now });
    publish(host, tx, { ...fact.place, id: twin.id }, "UPDATED");
    return { id: twin.id, outcome: "MERGED" };
  }
  await checkRoom(host, tx, fact.place);
  const { now: at, ...rest } = fact;
  await host.store.add(tx, [{ ...rest, digest, at } satisfies NewRecord]);
  publish(host, tx, { ...fact.place, id: fact.id }, "CREATED");
  if (!fact.vector) tx.afterCommit(host.wake);
  return { id: fact.id, outcome: "SAVED" };
}

/** Embedding takes a while: what was deleted meanwhile takes no record that nobody would purge. */
async function checkPlace({ em }: Tx, { scope, scopeId: id }: Place): Promise<void> {
  if (scope === "THREAD" && !(await em.findOne(Thread, { id }))) throw new WeftlineError("NOT_FOUND", { what: "thread" });
  if (scope === "WORKFLOW" && !(await em.findOne(Run, { id }))) throw new WeftlineError("NOT_FOUND", { what: "run" });
}

async function checkRoom({ config, store }: MemoryHost, tx: Tx, place: Place): Promise<void> {
  if ((await store.size(tx, place)) < config.perScope) return;
  throw new WeftlineError("RATE_LIMITED", {
    message: `A scope holds ${config.perScope} records at most.`,
    fix: "Forget some, or give facts a ttl.",
  });
}

/** A record replaced by another: it stays to be read, and is found no more. */
export async function supersede(
  host: MemoryHost,
  tx: Tx,
  old: MemoryRecord,
  { by, now }: { readonly by: string; readonly now: number },
): Promise<void> {
  await host.store.supersede(tx, old.num, { id: by, now });
  publish(host, tx, old, "UPDATED");
}

/** Tells lists, once the rows are durable. */
export function publish(
  { changes }: MemoryHost,
  tx: Pick<Tx, "afterCommit">,
  { id, tenantId, ownerId, scope }: Pick<MemoryRecord, "id" | "tenantId" | "ownerId" | "scope">,
  kind: "CREATED" | "UPDATED" | "DELETED",
): void {
  const whose = scope === "TENANT" ? { tenantId } : { tenantId, ownerId };
  tx.afterCommit(() => changes.publish({ kind, typeName: "MemoryRecord", id, ...whose }));
}
