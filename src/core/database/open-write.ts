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

  all<Row>(sql: string, ...params: SqlValue[]): Promise<Row[]> {
    return this.#write.isOpen ? this.#sql.all<Row>(sql, ...params) : ended();
  }

  get<Row>(sql: string, ...params: SqlValue[]): Promise<Row | undefined> {
    return this.#write.isOpen ? this.#sql.get<Row>(sql, ...params) : ended();
  }

  run(sql: string, ...params: SqlValue[]): Promise<number> {
    return this.#write.isOpen ? this.#sql.run(sql, ...params) : ended();
  }
}

function ended(): Promise<never> {
  return Promise.reject(new WeftlineError("WRITE_ENDED"));
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
