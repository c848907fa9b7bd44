import type { Database } from "../database/database.ts";
import type { Sql } from "../database/sql.ts";
import { WeftlineError } from "../errors.ts";

/** Who keeps something. */
export interface StorageOwner {
  readonly tenantId: string;
  readonly ownerId: string;
}

/** How much may be kept, in bytes of JSON. */
export interface StorageLimits {
  readonly runBytes: number;
  readonly storedBytesPerViewer: number;
  readonly storedBytesPerTenant: number;
}

/** Whose total a row is: a viewer's, or with "" for the owner, a tenant's. */
interface Account {
  readonly tenantId: string;
  readonly ownerId: string;
  /** What the row says. */
  stored: number | undefined;
  /** What has been written or deleted since the row was. */
  unsaved: number;
}

/** Of how many viewers and tenants a total is kept. */
const mostKept = 10_000;

/**
 * Counts what viewers and tenants keep in the log, in messages and in checkpoints. The totals are rows, and in memory while somebody writes: nothing is
 * summed up, and an append costs an addition. What was counted since the last {@link StorageQuota.save} is lost with the process.
 */
export class StorageQuota {
  readonly #database: Database;
  readonly #limits: () => StorageLimits;
  readonly #accounts = new Map<string, Account>();
  #saving: Promise<void> = Promise.resolve();

  constructor(database: Database, limits: () => StorageLimits) {
    this.#database = database;
    this.#limits = limits;
  }

  /** How much one run may write. */
  get runBytes(): number {
    return this.#limits().runBytes;
  }

  /** Counts what was written, or with a negative number deleted. Call it once that is durable. */
  add({ tenantId, ownerId }: StorageOwner, bytes: number): void {
    this.#account(tenantId, ownerId).unsaved += bytes;
    this.#account(tenantId, "").unsaved += bytes;
  }

  /** @throws STORAGE_FULL where a viewer, or all of a tenant, keep more than they may. */
  async check(sql: Sql, owner: StorageOwner): Promise<void> {
    for (const account of this.#accountsOf(owner)) {
      if (account.stored !== undefined) continue;
      const row = await sql.get<{ bytes: number }>(
        "select bytes from runs_storage where tenant_id = ? and owner_id = ?",
        account.tenantId,
        account.ownerId,
      );
      account.stored = row?.bytes ?? 0;
    }
    const problem = this.#problemOf(owner);
    if (problem) throw problem;
  }

  /** Why a run at work must end: it wrote too much, or its owner keeps too much. Only totals that are known count. */
  problemOf(owner: StorageOwner, written: number): WeftlineError | undefined {
    const { runBytes } = this;
    if (written <= runBytes) return this.#problemOf(owner);
    return new WeftlineError("RUN_LIMIT", {
      limit: `${amount(runBytes)} of events, messages and state`,
      fix: "Let it write less, as by fewer steps or a smaller state, or raise runBytes in server.limits.",
    });
  }

  /** Writes the totals that changed, one save after the other. */
  save(): Promise<void> {
    return (this.#saving = this.#saving.catch(() => undefined).then(() => this.#save()));
  }

  async #save(): Promise<void> {
    const changed = [...this.#accounts.values()]
      .filter(({ unsaved }) => unsaved !== 0)
      .map((account) => ({ account, bytes: account.unsaved }));
    if (changed.length > 0) {
      await this.#database.commit(async ({ sql, afterCommit }) => {
        for (const { account, bytes } of changed) {
          const row = await sql.get<{ bytes: number }>(
            `insert into runs_storage (tenant_id, owner_id, bytes) values (?, ?, ?)
             on conflict (tenant_id, owner_id) do update set bytes = case when runs_storage.bytes + ? < 0 then 0 else runs_storage.bytes + ? end
             returning bytes`,
            account.tenantId,
            account.ownerId,
            Math.max(0, bytes),
            bytes,
            bytes,
          );
          afterCommit(() => {
            account.unsaved -= bytes;
            account.stored = row?.bytes ?? 0;
          });
        }
      }, "saveQuota");
    }
    if (this.#accounts.size <= mostKept) return;
    for (const [key, { unsaved }] of this.#accounts) if (unsaved === 0) this.#accounts.delete(key);
  }

  #problemOf(owner: StorageOwner): WeftlineError | undefined {
    const { storedBytesPerViewer, storedBytesPerTenant } = this.#limits();
    const [viewer, tenant] = this.#accountsOf(owner).map(({ stored = 0, unsaved }) => stored + unsaved);
    if ((viewer ?? 0) > storedBytesPerViewer)
      return full("You keep messages and runs of", viewer, storedBytesPerViewer, "storedBytesPerViewer");
    if ((tenant ?? 0) > storedBytesPerTenant)
      return full("Your tenant keeps messages and runs of", tenant, storedBytesPerTenant, "storedBytesPerTenant");
    return undefined;
  }

  #accountsOf({ tenantId, ownerId }: StorageOwner): readonly Account[] {
    return [this.#account(tenantId, ownerId), this.#account(tenantId, "")];
  }

  #account(tenantId: string, ownerId: string): Account {
    const key = `${tenantId.length}:${tenantId}${ownerId}`;
    let account = this.#accounts.get(key);
    if (!account) this.#accounts.set(key, (account = { tenantId, ownerId, stored: undefined, unsaved: 0 }));
    return account;
  }
}

function full(whose: string, bytes: number | undefined, limit: number, setting: string): WeftlineError {
  return new WeftlineError("STORAGE_FULL", { whose, bytes: amount(bytes ?? 0), limit: amount(limit), setting });
}

function amount(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.round(bytes / 1024 / 1024)} MiB` : `${Math.ceil(bytes / 1024)} KiB`;
}
