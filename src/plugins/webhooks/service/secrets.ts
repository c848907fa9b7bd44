import { randomBytes } from "node:crypto";
import { WeftlineError, type SealedPlace, type SealedValues, type Tx } from "#weftline";

/** What a webhook keeps of its secrets. */
export interface HoldsSecrets {
  readonly tenantId: string;
  secretId: string;
  previousSecretId?: string | null | undefined;
  previousUntil?: number | null | undefined;
}

const purpose = "webhooks.signing";

/** A new signing secret, as Standard Webhooks writes them. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString("base64")}`;
}

export function placeOf(tenantId: string, id: string): SealedPlace {
  return { tenantId, purpose, id };
}

/** Seals a new secret within the caller's transaction. @returns its id. */
export function sealSecret(sealed: SealedValues, tx: Tx, tenantId: string): Promise<string> {
  return sealed.seal(tx, { tenantId, purpose, value: newSecret() });
}

/** Gives a webhook a new secret. The old one is good for a while; one from before that is removed. */
export async function replaceSecret(sealed: SealedValues, tx: Tx, row: HoldsSecrets, goodUntil: number): Promise<void> {
  if (row.previousSecretId != null) await sealed.remove(tx, placeOf(row.tenantId, row.previousSecretId));
  row.previousSecretId = row.secretId;
  row.previousUntil = goodUntil;
  row.secretId = await sealSecret(sealed, tx, row.tenantId);
}

/** Removes all secrets of a webhook that goes. */
export async function removeSecrets(sealed: SealedValues, tx: Tx, { tenantId, secretId, previousSecretId }: HoldsSecrets): Promise<void> {
  for (const id of [secretId, previousSecretId]) if (id != null) await sealed.remove(tx, placeOf(tenantId, id));
}

/**
 * The secrets that are good at a moment, the newest first. One that was replaced and does not open is left out: whoever lost its key replaces it.
 *
 * @throws where the newest does not open.
 */
export async function goodSecrets(sealed: SealedValues, row: HoldsSecrets, now: number): Promise<string[]> {
  const { tenantId, secretId, previousSecretId, previousUntil } = row;
  const newest = await sealed.open(placeOf(tenantId, secretId));
  if (previousSecretId == null || (previousUntil ?? 0) <= now) return [newest];
  const previous = await sealed.open(placeOf(tenantId, previousSecretId)).catch(unlessClosed);
  return previous === undefined ? [newest] : [newest, previous];
}

const closed = new Set<string>(["SECRET_KEY_UNKNOWN", "SEALED_VALUE_INVALID", "NOT_FOUND"]);

function unlessClosed(error: unknown): undefined {
  if (!(error instanceof WeftlineError) || !closed.has(error.code)) throw error;
}
