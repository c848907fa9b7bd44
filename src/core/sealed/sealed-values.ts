import { v7 as newId } from "uuid";
import type { Database, SqlTx } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";
import { isLonger } from "../json/characters.ts";
import { serviceRef } from "../kernel/refs.ts";
import { openText, sealText, type SealedPlace } from "./cipher.ts";
import type { KeyRing } from "./key-ring.ts";

export type { SealedPlace } from "./cipher.ts";

/** A value to seal. */
export interface NewSealedValue extends Omit<SealedPlace, "id"> {
  /** At most 65,536 characters. */
  readonly value: string;
}

/** What a rotation did. */
export interface Rotation {
  readonly resealed: number;
  /** Values that did not open. They are left as they are. */
  readonly failed: readonly { readonly id: string; readonly error: WeftlineError }[];
}

/**
 * Secrets at rest, sealed by AES-256-GCM with a key of the configuration. A value opens only for the tenant, the purpose and the id that it was sealed for.
 * Keep the id in a row of your own, and never put a value into a log, an event, an error or the graph.
 */
export interface SealedValues {
  /**
   * Seals a value within the caller's transaction.
   *
   * @returns its id.
   * @throws SECRET_KEY_MISSING where there is no key to seal with.
   * @example const secretId = await sealedValues.seal(tx, { tenantId, purpose: "webhooks.signing", value });
   */
  seal(tx: SqlTx, value: NewSealedValue): Promise<string>;
  /**
   * @throws SECRET_KEY_UNKNOWN where it was sealed with a key that is not configured.
   * @throws SEALED_VALUE_INVALID where it was changed, or belongs elsewhere.
   * @throws NOT_FOUND
   */
  open(place: SealedPlace): Promise<string>;
  /** Removes a value within the caller's transaction; one that is gone is no error. */
  remove(tx: SqlTx, place: SealedPlace): Promise<void>;
  /** Seals with the first key whatever is sealed with another, some rows at a time. It may be broken off and repeated. */
  rotate(): Promise<Rotation>;
}

export const sealedValues = serviceRef<SealedValues>("weftline.sealedValues");

interface StoredValue extends SealedPlace {
  readonly keyId: string;
  readonly sealed: string;
}

const columns = `id, tenant_id as "tenantId", purpose, key_id as "keyId", sealed`;
const longestValue = 65_536;
const rowsAtOnce = 100;

export function createSealedValues(database: Pick<Database, "read" | "commit">, ring: KeyRing): SealedValues {
  const open = (row: StoredValue): string => openRow(ring, row);
  const sealingKey = ({ sql }: Pick<SqlTx, "sql">) =>
    ring.sealing(async () => (await sql.get<{ id: string }>("select key_id as id from platform_sealed_value limit 1"))?.id);
  return {
    async seal(tx, { value, ...rest }) {
      if (isLonger(value, longestValue))
        throw new WeftlineError("INVALID_INPUT", { message: `A secret has at most ${longestValue} characters.` });
      const { id: keyId, key } = await sealingKey(tx);
      const place = { ...rest, id: newId() };
      await tx.sql.run(
        `insert into platform_sealed_value (id, tenant_id, purpose, key_id, sealed, created_at) values (?, ?, ?, ?, ?, ${tx.sql.now})`,
        place.id,
        place.tenantId,
        place.purpose,
        keyId,
        sealText(key, place, value),
      );
      return place.id;
    },
    async open({ tenantId, purpose, id }) {
      const row = await database.read.get<StoredValue>(`select ${columns} from platform_sealed_value where id = ?`, id);
      if (!row || row.tenantId !== tenantId || row.purpose !== purpose) throw new WeftlineError("NOT_FOUND", { what: "sealed value" });
      return open(row);
    },
    async remove(tx, { tenantId, purpose, id }) {
      await tx.sql.run("delete from platform_sealed_value where id = ? and tenant_id = ? and purpose = ?", id, tenantId, purpose);
    },
    async rotate() {
      const failed: { readonly id: string; readonly error: WeftlineError }[] = [];
      let resealed = 0;
      for (let after: string | undefined = ""; after !== undefined;) {
        after = await database.commit(async (tx): Promise<string | undefined> => {
          if (!(await tx.sql.get("select 1 from platform_sealed_value limit 1"))) return undefined;
          const { id: keyId, key } = await sealingKey(tx);
          const rows = await tx.sql.all<StoredValue>(
            `select ${columns} from platform_sealed_value where id > ? and key_id <> ? order by id limit ${rowsAtOnce}`,
            after ?? "",
            keyId,
          );
          for (const row of rows) {
            const value = openedOr(() => open(row));
            if (value instanceof WeftlineError) failed.push({ id: row.id, error: value });
            else {
              const sealed = sealText(key, row, value);
              resealed += await tx.sql.run("update platform_sealed_value set key_id = ?, sealed = ? where id = ?", keyId, sealed, row.id);
            }
          }
          return rows.at(-1)?.id;
        }, "reseal");
      }
      return { resealed, failed };
    },
  };
}

/** Which values open with the keys that are there. */
export interface SealedCheck {
  readonly opened: number;
  /** At most 100. */
  readonly failed: readonly { readonly id: string; readonly error: WeftlineError }[];
}

/** Opens every value, and hands out none. */
export async function checkSealed(sql: Pick<Sql, "all">, ring: KeyRing): Promise<SealedCheck> {
  const failed: { readonly id: string; readonly error: WeftlineError }[] = [];
  let opened = 0;
  for (let after = ""; ;) {
    const rows = await sql.all<StoredValue>(
      `select ${columns} from platform_sealed_value where id > ? order by id limit ${rowsAtOnce}`,
      after,
    );
    for (const row of rows) {
      const value = openedOr(() => openRow(ring, row));
      if (!(value instanceof WeftlineError)) opened++;
      else if (failed.length < rowsAtOnce) failed.push({ id: row.id, error: value });
    }
    if (rows.length < rowsAtOnce) return { opened, failed };
    after = rows.at(-1)?.id ?? after;
  }
}

/** @throws SECRET_KEY_UNKNOWN, SEALED_VALUE_INVALID */
function openRow(ring: KeyRing, row: StoredValue): string {
  const { key } = ring.opening(row.keyId);
  try {
    return openText(key, row, row.sealed);
  } catch (error) {
    throw new WeftlineError("SEALED_VALUE_INVALID", { id: row.id, retryable: false }, { cause: error });
  }
}

function openedOr(open: () => string): string | WeftlineError {
  try {
    return open();
  } catch (error) {
    if (error instanceof WeftlineError) return error;
    throw error;
  }
}
