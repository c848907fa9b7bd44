import { defineEntity } from "@mikro-orm/core";
import { owned } from "../database/ownership.ts";

const SealedValueSchema = defineEntity({
  name: "SealedValue",
  tableName: "platform_sealed_value",
  properties: (p) => ({
    id: p.string().primary(),
    tenantId: p.string(),
    /** What it is for, as in `webhooks.signing`. */
    purpose: p.string(),
    keyId: p.string().index(),
    /** Nonce, ciphertext and tag, in base64. */
    sealed: p.text(),
    /** Milliseconds since 1970. */
    createdAt: p.bigint("number"),
  }),
});

export const sealedValueEntity = owned(SealedValueSchema, { rule: "INTERNAL" });
