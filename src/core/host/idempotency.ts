import { createHash } from "node:crypto";
import { defineEntity } from "@mikro-orm/core";
import canonicalize from "canonicalize";
import { isLonger } from "../json/characters.ts";
import type { Tx } from "../database/database.ts";
import { owned } from "../database/ownership.ts";
import { WeftlineError } from "../errors.ts";
import type { Scope } from "../graphql/scope.ts";
import { plainJson } from "../json/plain.ts";

const IdempotencyKeySchema = defineEntity({
  name: "IdempotencyKey",
  tableName: "platform_idempotency_key",
  properties: (p) => ({
    tenantId: p.string().primary(),
    ownerId: p.string().primary(),
    mutation: p.string().primary(),
    key: p.string().primary(),
    bodyHash: p.string(),
    result: p.text(),
    createdAt: p.bigint("number").index(),
  }),
});

export const idempotencyEntity = owned(IdempotencyKeySchema, { rule: "INTERNAL" });

/** How long a key is kept, in milliseconds. */
export const idempotencyTtl = 24 * 60 * 60 * 1000;

/** A request that may come twice. */
export interface IdempotentRequest {
  readonly mutation: string;
  readonly key: string | null | undefined;
  readonly body: object;
  /** Where the key stands in the arguments, for errors; `input.idempotencyKey` by default. */
  readonly path?: readonly string[];
  /** What the commit is, for fault suites; the mutation by default. */
  readonly name?: string;
}

/**
 * SHA-256 over the canonical JSON (RFC 8785) of a value, in hex. Text that is not well-formed is hashed as what it becomes wherever it is kept.
 *
 * @throws INVALID_INPUT for what JSON has no word for.
 */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(canonicalText(value)).digest("hex");
}

/** What stands in place of a key whose request was erased with what it made: a key may hold what was said, too. */
export function erasedKey(key: string): string {
  return `erased:${hashOf(key)}`;
}

function canonicalText(value: unknown): string {
  try {
    return canonicalize(value ?? null) ?? "null";
  } catch {
    return canonicalize(plainJson(value).value) ?? "null";
  }
}

/**
 * Runs a mutation's work in one transaction, at most once a key and viewer.
 *
 * @param work answers plain ids that find the result again; they are stored with the key.
 * @returns those ids, of this call or of the first one with the same key.
 * @throws IDEMPOTENCY_CONFLICT for a known key with another body.
 * @example
 * const { agent } = await idempotently(scope, { mutation: "createAgent", key, body: input }, async (tx) => ({ agent: create(tx) }));
 */
export async function idempotently<Ids extends Record<string, string>>(
  scope: Scope,
  { mutation, key, body, path = ["input", "idempotencyKey"], name = mutation }: IdempotentRequest,
  work: (tx: Tx) => Promise<Ids>,
): Promise<Ids> {
  if (key == null) return scope.write(work, name);
  if (key.length === 0 || isLonger(key, 200)) {
    const message = "An idempotency key has 1 to 200 characters.";
    throw new WeftlineError("INVALID_INPUT", { path, message, issues: [{ path, message }] });
  }
  const { tenantId, actorId } = scope.viewer;
  const { idempotencyKey: _, ...rest } = body as { idempotencyKey?: unknown };
  const bodyHash = hashOf(rest);
  return scope.write(async (tx) => {
    const known = await tx.sql.get<{ body_hash: string; result: string }>(
      `select body_hash, result from platform_idempotency_key
       where tenant_id = ? and owner_id = ? and mutation = ? and key in (?, ?) and created_at > ${tx.sql.now} - ?`,
      tenantId,
      actorId,
      mutation,
      key,
      erasedKey(key),
      idempotencyTtl,
    );
    if (known) {
      // What it was asked with was erased, and its hash with it.
      const isErased = known.body_hash === "";
      if (!isErased && known.body_hash !== bodyHash) throw new WeftlineError("IDEMPOTENCY_CONFLICT", { key, path });
      return JSON.parse(known.result) as Ids;
    }
    const ids = await work(tx);
    await tx.sql.run(
      `insert into platform_idempotency_key (tenant_id, owner_id, mutation, key, body_hash, result, created_at) values (?, ?, ?, ?, ?, ?, ${tx.sql.now})
       on conflict (tenant_id, owner_id, mutation, key) do update set body_hash = excluded.body_hash, result = excluded.result, created_at = excluded.created_at`,
      tenantId,
      actorId,
      mutation,
      key,
      bodyHash,
      JSON.stringify(ids),
    );
    return ids;
  }, name);
}
