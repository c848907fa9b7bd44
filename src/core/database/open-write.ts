import type { Transaction } from "@mikro-orm/core";
import { WeftlineError } from "../errors.ts";
import type { Sql, SqlValue } from "./sql.ts";

/** Whether the work of a write is still at it. */
export interface WriteState {
  readonly isOpen: boolean;
}

/** @throws WRITE_ENDED: the transaction that is open now, if any, is another's. */
export function checkOpen(write: WriteState): void {
  if (!write.isOpen) throw new WeftlineError("WRITE_ENDED");
}

/** SQL of one write: refused once that has ended. */
export class WriteSql implements Sql {
  readonly now: string;
  readonly #sql: Sql;
  readonly #write: WriteState;

  constructor(sql: Sql, write: WriteState) {
    this.now = sql.now;
    this.#sql = sql;
    this.#write = write;
  }

  async all<Row>(sql: string, ...params: SqlValue[]): Promise<Row[]> {
    checkOpen(this.#write);
    return this.#sql.all<Row>(sql, ...params);
  }

  async get<Row>(sql: string, ...params: SqlValue[]): Promise<Row | undefined> {
    checkOpen(this.#write);
    return this.#sql.get<Row>(sql, ...params);
  }

  async run(sql: string, ...params: SqlValue[]): Promise<number> {
    checkOpen(this.#write);
    return this.#sql.run(sql, ...params);
  }
}

/** The ORM's transaction as one write may use it, nested ones included. */
export function transactionOf(transaction: Transaction, write: WriteState): Transaction {
  return new Proxy(transaction as object, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        checkOpen(write);
        const result: unknown = value.apply(target, args);
        return name === "savepoint" ? nested(result as Savepoint, write) : result;
      };
    },
  }) as Transaction;
}

interface Savepoint {
  execute(): Promise<Transaction>;
}

function nested(savepoint: Savepoint, write: WriteState): Savepoint {
  return { execute: async () => transactionOf(await savepoint.execute(), write) };
}
