import { randomBytes } from "node:crypto";
import type { SealedPlace, SealedValues, Tx } from "#weftline";

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

/** The secrets that are good at a moment, the newest first. */
export async function goodSecrets(sealed: SealedValues, row: HoldsSecrets, now: number): Promise<string[]> {
  const { tenantId, secretId, previousSecretId, previousUntil } = row;
  const ids = previousSecretId != null && (previousUntil ?? 0) > now ? [secretId, previousSecretId] : [secretId];
  return Promise.all(ids.map((id) => sealed.open(placeOf(tenantId, id))));
}
