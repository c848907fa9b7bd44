import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from "node:crypto";

/** What a sealed value is bound to: it opens nowhere else. */
export interface SealedPlace {
  readonly tenantId: string;
  readonly purpose: string;
  readonly id: string;
}

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;

/** AES-256-GCM with a random nonce. @returns nonce, ciphertext and tag, in base64. */
export function sealText(key: KeyObject, place: SealedPlace, text: string): string {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(bindingOf(place));
  return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64");
}

/** @throws where the text was changed, or sealed with another key or for another place. */
export function openText(key: KeyObject, place: SealedPlace, sealed: string): string {
  const bytes = Buffer.from(sealed, "base64");
  const [nonce, body, tag] = [bytes.subarray(0, nonceBytes), bytes.subarray(nonceBytes, -tagBytes), bytes.subarray(-tagBytes)];
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes }).setAAD(bindingOf(place)).setAuthTag(tag);
  return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
}

function bindingOf({ tenantId, purpose, id }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify(["weftline sealed value 1", tenantId, purpose, id]));
}
