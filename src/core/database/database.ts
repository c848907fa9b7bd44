import { dirname } from "node:path";
import { Migrator } from "@mikro-orm/migrations";
import type { EntityClass, RequiredEntityData, Transaction } from "@mikro-orm/core";
import { MikroORM, type EntityManager } from "@mikro-orm/sqlite";
import { WeftlineError, messageOf } from "../errors.ts";
import type { Distribution } from "../figures/distribution.ts";
import { serviceRef } from "../kernel/refs.ts";
import type { Logger } from "../kernel/spec.ts";
import { loadExtensions, type ExtensionState, type SqliteExtension } from "./extensions.ts";
import { lockFile, type FileLock } from "./lock.ts";
import { migrationTable } from "./migration-table.ts";
import { readerOf, rulesOf, type OwnedEntity, type OwnershipRules } from "./ownership.ts";
import { entityManagerWith, type OwnedEntityManager } from "./ownership/entity-manager.ts";
import { LongWrites, type WriteTimes, type WriterLabels } from "./long-writes.ts";
import { WriteSql, checkOpen, transactionOf, type WriteState } from "./open-write.ts";
import { makePrivateFolder } from "./private-files.ts";
import { WriteQueue } from "./queue.ts";
import { RowWriter } from "./row-writer.ts";
import { RowReader } from "./rows.ts";
import { committedSql, sqliteSql, type Sql } from "./sql.ts";
import { isStoreFailure, openSqlite, openToRead, shrinkBySome, sqliteDialect, transactionsOf, type SqliteHandles } from "./sqlite.ts";
import type { Reach, Viewer } from "./viewer.ts";
import { WalCheckpointer } from "./wal-checkpointer.ts";

/** One open transaction of prepared SQL. */
export interface SqlTx {
  readonly sql: Sql;
  /** Runs when the rows are durable, in order; never after a rollback. */
  afterCommit(run: () => void): void;
}

/** One open transaction: entities and prepared SQL see the same uncommitted rows. */
export interface Tx extends SqlTx {
  readonly em: EntityManager;
  /**
   * Inserts one row by prepared SQL: for what is written all the time.
   *
   * @returns the row, not managed and without its formulas: to change it, find it with `em`.
   */
  insert<Entity extends object>(entity: EntityClass<Entity>, values: RequiredEntityData<Entity>): Promise<Entity>;
}

/** Takes part in every commit of rows but those of upkeep: what it writes is durable with what the others wrote. */
export interface CommitWatch {
  /** Runs last in a transaction, before it is committed. */
  committing(sql: Sql): Promise<void>;
  /** Follows {@link CommitWatch.committing}, but not where the commit was refused. */
  committed(): void;
  /** Runs when the database closes, outside a transaction. */
  closing(sql: Sql): Promise<void>;
}

/** Told of each commit: before its work, at the end of its work within the transaction, and once it is durable, before anybody else is told. */
export type CommitProbe = (at: `${string}.${"before" | "inside" | "committed"}`) => void;

/** One migration of the merged list. */
export interface NamedMigration {
  readonly name: string;
  readonly class: new (...args: never[]) => object;
}

export interface DatabaseOptions {
  /** The SQLite file. Its folder is made where it is missing. */
  readonly file: string;
  /** `read` opens a file that is there beside the server that may have it open: it takes no lock, and writes are refused. `write` by default. */
  readonly access?: "read" | "write";
  readonly entities: readonly OwnedEntity[];
  readonly migrations: readonly NamedMigration[];
  /** By name; one that cannot be loaded is left out. None by default. */
  readonly extensions?: ReadonlyMap<string, SqliteExtension>;
  /** Told of what fails after a commit, and of writes that take long. */
  readonly log?: Logger;
  readonly writes?: WriteTimes | undefined;
  /** Whose code runs, in the context in which it is called. */
  readonly labels?: () => WriterLabels;
}

/** The host's database, for plugins that write outside a request. */
export const databaseService = serviceRef<Database>("weftline.database");

/**
 * The one way to the rows. Reads go through {@link Database.em} as somebody, writes through {@link Database.write} one at a time.
 */
export class Database {
  readonly orm: MikroORM;
  /** All that this version has. */
  readonly migrationNames: readonly string[];
  /** The file, for threads that read committed rows by a connection of their own. */
  readonly file: string;
  /** The extensions of plugins, each in every connection or in none. */
  readonly extensions: ReadonlyMap<string, ExtensionState>;
  /** Reads committed rows; past the ownership filter, for the engine only. */
  readonly read: Sql;
  /** Reads entities by prepared SQL, under the ownership filter. */
  readonly rows: RowReader;
  readonly #handles: SqliteHandles;
  readonly #inserts: RowWriter;
  readonly #writeSql: Sql;
  /** None where the database is only read. */
  readonly #lock: FileLock | undefined;
  readonly #queue: WriteQueue;
  readonly #checkpointer: WalCheckpointer;
  readonly #log: Logger | undefined;
  #state: "open" | "joining" | "closed" = "open";
  #watch: CommitWatch | undefined;
  #probe: CommitProbe | undefined;
  /** A transaction of the ORM that neither begins nor ends: entities take part in whichever the queue has open. */
  #transaction: Transaction | undefined;

  /**
   * @throws DATABASE_LOCKED where another server has the file open.
   * @throws DATABASE_UNUSABLE where it cannot be opened.
   */
  constructor(options: DatabaseOptions) {
    const { file, entities, migrations, log, writes, labels, access = "write", extensions = new Map() } = options;
    this.file = file;
    this.#log = log;
    this.migrationNames = migrations.map(({ name }) => name);
    this.#lock = access === "write" ? usable(file, () => lockNew(file)) : undefined;
    const long = new LongWrites(writes, log, labels);
    try {
      this.#handles = usable(file, () => (access === "write" ? openSqlite(file) : openToRead(file)));
      this.extensions = loadExtensions([this.#handles.writer, this.#handles.reader], extensions);
      this.read = committedSql(this.#handles);
      this.#writeSql = sqliteSql(this.#handles.writer);
      this.#checkpointer = new WalCheckpointer(file, log);
      const rules = rulesOf(entities);
      this.#queue = new WriteQueue(
        transactionsOf(this.#handles, {
          committing: () => this.#watch?.committing(this.#writeSql),
          committed: (rows, watched) => {
            if (watched === "watched") this.#watch?.committed();
            this.#checkpointer.committed(rows);
          },
        }),
        undefined,
        long,
      );
      this.orm = new MikroORM({
        dbName: file,
        entities: entities.map(({ schema }) => schema),
        entityManager: entityManagerWith(rules) as never,
        subscribers: [{ onFlush: ({ em, uow }) => (em as unknown as OwnedEntityManager).beforeFlush(uow) }],
        driverOptions: sqliteDialect(this.#handles.writer, async () => (this.#state === "joining" ? undefined : this.#handles.begin())),
        replicas: [{ name: "reader", driverOptions: sqliteDialect(this.#handles.reader) }],
        extensions: [Migrator],
        migrations: { migrationsList: [...migrations] as never, snapshot: false, silent: true, tableName: migrationTable },
        discovery: { warnWhenNoEntities: false },
        ignoreUndefinedInQuery: true,
      });
      checkRules(this.orm, rules);
      this.rows = new RowReader(this.orm, () => (this.#queue.inside ? this.#writeSql : this.read), rules);
      this.#inserts = new RowWriter(this.orm, this.#writeSql, rules);
    } catch (error) {
      long.close();
      this.#lock?.release();
      throw error;
    }
  }

  /** Of the queue of writes: how many wait or run, how long transactions took with their commits, in seconds, and how many writes each held. */
  get writes(): { readonly waiting: number; readonly seconds: Distribution; readonly groups: Distribution } {
    const { depth, seconds, groups } = this.#queue;
    return { waiting: depth, seconds, groups };
  }

  /** The moment by the database's clock, in milliseconds since 1970: by no other is anything due that is stored. */
  async now(): Promise<number> {
    const row = await this.read.get<{ now: number }>(`select ${this.read.now} as now`);
    return row?.now ?? 0;
  }

  /** An entity manager that reads as `reader`; its writes are refused. Within a write it sees what was written. */
  em(reader: Viewer | "SYSTEM", reach: Reach = "MINE"): EntityManager {
    const em = (this.orm.em as OwnedEntityManager).forkAs("reads", readerOf(reader, reach));
    if (this.#queue.inside) em.setTransactionContext(this.#transaction);
    return em;
  }

  /**
   * Runs `work` in one transaction and commits it, with others that came at the same time, before it answers.
   *
   * @param name what the commit is, for fault suites.
   * @throws STORE_UNAVAILABLE where the store refuses (disk full, read-only, locked): nothing was written.
   * @throws WRITE_TOO_LONG where it holds up others for too long; what it does with `tx` after that is refused with WRITE_ENDED.
   */
  write<T>(writer: Viewer | "SYSTEM", work: (tx: Tx) => Promise<T>, name = "write"): Promise<T> {
    const written = async ({ sql, afterCommit }: SqlTx, state: WriteState): Promise<T> => {
      this.#transaction ??= await this.#join();
      const transaction = this.#transaction;
      let em: EntityManager | undefined;
      const create = (): EntityManager => {
        const fork = (this.orm.em as OwnedEntityManager).forkAs("writes", readerOf(writer));
        fork.setTransactionContext(transactionOf(transaction, state));
        return fork;
      };
      const result = await work({
        sql,
        afterCommit,
        insert: async (entity, values) => {
          checkOpen(state);
          return this.#inserts.insert(entity, writer, values);
        },
        get em() {
          checkOpen(state);
          return (em ??= create());
        },
      });
      await em?.flush();
      return result;
    };
    return this.#commit({ kind: "write", name }, written);
  }

  /** Runs prepared SQL in one transaction, without entities: the engine's hot path. */
  commit<T>(work: (tx: SqlTx) => Promise<T>, name = "commit"): Promise<T> {
    return this.#commit({ kind: "write", name }, work);
  }

  /**
   * The same for work that is done again where it was lost. Its commit does not wait for the disk: a power failure may take it back until another
   * commit has followed.
   */
  upkeep<T>(work: (tx: SqlTx) => Promise<T>, name = "upkeep"): Promise<T> {
    return this.#commit({ kind: "upkeep", name }, work);
  }

  async #commit<T>({ kind, name }: NamedCommit, work: (tx: SqlTx, state: WriteState) => Promise<T>): Promise<T> {
    if (this.#state === "closed") throw new WeftlineError("SHUTTING_DOWN");
    if (!this.#lock) throw new WeftlineError("UNAVAILABLE", readOnly);
    const done: (() => void)[] = [];
    const probe = this.#probe;
    probe?.(`${name}.before`);
    try {
      return await this.#queue[kind](
        (state) => {
          const afterCommit: SqlTx["afterCommit"] = (run) => {
            checkOpen(state);
            done.push(run);
          };
          const result = work({ sql: new WriteSql(this.#writeSql, state), afterCommit }, state);
          return probe ? probedInside(result, () => probe(`${name}.inside`)) : result;
        },
        () => {
          probe?.(`${name}.committed`);
          for (const run of done) this.#afterCommit(run);
        },
      );
    } catch (error) {
      if (!isStoreFailure(error)) throw error;
      throw new WeftlineError("STORE_UNAVAILABLE", { problem: messageOf(error) }, { cause: error });
    }
  }

  /** Has what was deleted go from the write-ahead log, too, soon: it is copied back and begun anew. */
  scrub(): void {
    if (this.#state !== "closed") this.#checkpointer.truncate();
  }

  /**
   * Gives a few empty pages of the file back to the disk, in a transaction of some milliseconds. The file itself shrinks when the write-ahead log is copied back.
   *
   * @returns how many bytes; 0 where there are none, and in a file from before pages could be given back.
   */
  async shrink(): Promise<number> {
    return this.upkeep(async () => shrinkBySome(this.#handles.writer), "shrink");
  }

  /** Runs reads while nothing is written, so that together they see one state. Keep it short: writers wait. */
  async still<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state === "closed") throw new WeftlineError("SHUTTING_DOWN");
    return this.#queue.still(work);
  }

  /** Lets something take part in every commit from now on; one at a time. */
  watchCommits(watch: CommitWatch): void {
    this.#watch = watch;
  }

  /** Lets a fault suite stand around every commit from now on; one at a time. */
  probeCommits(probe: CommitProbe): void {
    this.#probe = probe;
  }

  /** Waits for open writes, then closes the file and gives the lock back. */
  async close(): Promise<void> {
    await this.#queue.idle();
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#queue.close();
    await this.#lastWrite();
    await this.#checkpointer.close();
    await this.orm.close(true);
    for (const handle of [this.#handles.reader, this.#handles.writer]) if (handle.open) handle.close();
    this.#lock?.release();
  }

  async #lastWrite(): Promise<void> {
    try {
      await this.#watch?.closing(this.#writeSql);
    } catch (error) {
      this.#log?.warn({ err: error }, "the database was closed without its last write");
    }
  }

  async #join(): Promise<Transaction> {
    const state = this.#state;
    this.#state = "joining";
    try {
      return (await this.orm.em.getConnection("write").begin()) as Transaction;
    } finally {
      this.#state = state;
    }
  }

  /** The rows are durable whatever happens here, so the write has succeeded. */
  #afterCommit(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#log?.error({ err: error }, "what was to follow a commit failed");
    }
  }
}

interface NamedCommit {
  readonly kind: "write" | "upkeep";
  readonly name: string;
}

async function probedInside<T>(work: Promise<T>, probe: () => void): Promise<T> {
  const result = await work;
  probe();
  return result;
}

/** MikroORM finds entities by relations, too. @throws PLUGIN_ENTITY_RULE for one that nobody declares, and so nobody could read. */
function checkRules(orm: MikroORM, rules: OwnershipRules): void {
  for (const { class: entityClass, className, embeddable, pivotTable, abstract } of orm.getMetadata().getAll().values()) {
    if (embeddable || pivotTable || abstract || rules.has(entityClass)) continue;
    const message = `The entity "${className}" is the target of a relation, but no plugin declares it.`;
    throw new WeftlineError("PLUGIN_ENTITY_RULE", {
      entity: className,
      message,
      fix: "Add it to the entities of its plugin, with its rule.",
    });
  }
}

const readOnly = {
  what: "Writing",
  reason: "the database was opened for reading, beside the server that may have it open.",
  fix: "Stop that server, and run what writes on its own.",
} as const;

function lockNew(file: string): FileLock {
  makePrivateFolder(dirname(file));
  return lockFile(file);
}

function usable<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof WeftlineError) throw error;
    throw new WeftlineError("DATABASE_UNUSABLE", { file, problem: messageOf(error) }, { cause: error });
  }
}
