import { QueryHelper, Raw, Utils, type EntityMetadata, type EntityName, type FilterQuery, type UnitOfWork } from "@mikro-orm/core";
import { SqlEntityManager, type EntityManager, type QueryBuilder } from "@mikro-orm/sqlite";
import { WeftlineError } from "../../errors.ts";
import { conditionOf, type OwnershipRules, type Reader } from "../ownership.ts";
import { filteredBuilder } from "./query-builder.ts";
import { refuse } from "./refusal.ts";
import { checkChanged, checkCreated, checkFlush, isOwned, type WrittenRows } from "./writes.ts";

type Connection = ReturnType<SqlEntityManager["getConnection"]>;

/** What an entity manager was made for: reading, or writing inside a transaction of the write queue. */
export type Access = "reads" | "writes";

/** An entity manager of a host: each query of it carries the ownership filter of its reader. */
export interface OwnedEntityManager extends EntityManager {
  /** A fork that reads or writes as somebody. */
  forkAs(access: Access, reader: Reader): OwnedEntityManager;
  /** A fork in the same transaction for the platform itself. */
  asSystem(): OwnedEntityManager;
  /** Checks what a flush is about to write. */
  beforeFlush(work: UnitOfWork): Promise<void>;
}

/** A fork of a host's entity manager, in the same transaction, that reads past the rules: for what was allowed before. */
export function asSystem(em: EntityManager): EntityManager {
  return (em as OwnedEntityManager).asSystem();
}

const writing = [
  "transactional",
  "flush",
  "insert",
  "insertMany",
  "upsert",
  "upsertMany",
  "clone",
  "nativeUpdate",
  "nativeDelete",
] as const;
/** What needs no look at its arguments: it is filtered, or checked when it flushes. */
const filteredByItself = ["transactional", "flush", "nativeDelete"] as const;
const unfiltered = ["execute", "getKysely"] as const;
const ofTransactions = ["begin", "commit", "rollback"] as const;
const sqlHint = "SQL knows no rules; use tx.sql where that is meant";
type Guarded = (typeof writing)[number] | (typeof unfiltered)[number] | (typeof ofTransactions)[number];

/**
 * The class of a host's entity managers. The rule is not one of MikroORM's filters: those know an entity by its name only, and the options of a
 * query switch them off. Here it belongs to the entity manager, and its forks keep it.
 */
export function entityManagerWith(rules: OwnershipRules): new (...args: never[]) => OwnedEntityManager {
  class Owned extends SqlEntityManager {
    #access: Access | undefined;
    #reader: Reader | undefined;

    override fork(options?: Parameters<EntityManager["fork"]>[0]): this {
      return (super.fork(options) as this).#become(this.#access, this.#reader);
    }

    forkAs(access: Access, reader: Reader): this {
      return (super.fork() as this).#become(access, reader);
    }

    asSystem(): this {
      return (super.fork({ keepTransactionContext: true }) as this).#become(this.#access, { reader: "SYSTEM", reach: "MINE" });
    }

    override async applyFilters<Entity extends object>(
      entity: EntityName<Entity>,
      where: FilterQuery<Entity> | undefined,
      options: Parameters<EntityManager["applyFilters"]>[2],
      type: "read" | "update" | "delete",
      find?: Parameters<EntityManager["applyFilters"]>[4],
    ): Promise<FilterQuery<Entity> | undefined> {
      const meta = this.getMetadata().get(entity);
      if (!this.#reader) throw new WeftlineError("INTERNAL", { message: `${meta.className} is queried without a reader.` });
      if (options === false || (Utils.isPlainObject(options) && "ownership" in options))
        refuse("A query without its filter", 'read with database.em("SYSTEM") where all rows are meant');
      if (this.#viewer && asksOfCollections(where))
        refuse("A condition with $some, $none, $every or $size", "ask with em.createQueryBuilder, which filters the collection too");
      const rest = await super.applyFilters(entity, where, options, type, find);
      const own = QueryHelper.processWhere({
        where: conditionOf(rules.get(meta.class), this.#reader, type === "read" ? "read" : "write") as FilterQuery<Entity>,
        entityName: entity,
        metadata: this.getMetadata(),
        platform: this.getPlatform(),
        aliased: type === "read",
      });
      const conditions = [own, rest].filter((each) => Utils.hasObjectKeys(each as object) || Raw.hasObjectFragments(each));
      return conditions.length > 1 ? ({ $and: conditions } as FilterQuery<Entity>) : ((conditions[0] ?? rest) as FilterQuery<Entity>);
    }

    override createQueryBuilder(...args: never[]): never {
      const [entity, ...rest] = args;
      const builder = super.createQueryBuilder(entity as never, ...rest) as unknown as QueryBuilder<object>;
      if (this.#access === undefined) return builder as never;
      const { entityName } = (builder as unknown as { readonly mainAlias: { readonly entityName: EntityName<object> } }).mainAlias;
      const rows = this.#rowsOf(this.getMetadata().get(entityName));
      const seenOf = (meta: EntityMetadata, purpose: "read" | "write") =>
        this.#viewer && this.#reader ? conditionOf(rules.get(meta.class), this.#reader, purpose) : undefined;
      return filteredBuilder(builder, { access: this.#access, rows, seenOf }) as never;
    }

    override getConnection(...args: Parameters<EntityManager["getConnection"]>): Connection {
      if (this.#access === "reads") refuse("getConnection");
      const connection = super.getConnection(...args);
      return this.#viewer === undefined ? connection : withoutSql(connection);
    }

    async beforeFlush(work: UnitOfWork): Promise<void> {
      if (this.#access === "reads") refuse("flush");
      if (this.#viewer === undefined) return;
      const count = (meta: EntityMetadata, keys: readonly object[]): Promise<number> =>
        this.fork({ keepTransactionContext: true }).count(meta.class, { $or: [...keys] } as never);
      await checkFlush(work, { rows: (meta) => this.#rowsOf(meta) as WrittenRows, count });
    }

    /** Runs before each guarded operation. */
    guard(name: Guarded, args: readonly unknown[]): void {
      if (this.#access === undefined) return;
      if (isIn(ofTransactions, name)) refuse(name, "a write is one transaction; throw to take it back");
      if (this.#access === "reads") refuse(name);
      if (this.#viewer === undefined || isIn(filteredByItself, name)) return;
      if (isIn(unfiltered, name)) refuse(name, sqlHint);
      this.#checkRows(name, args);
    }

    #checkRows(name: Guarded, args: readonly unknown[]): void {
      const [first] = [args[0]].flat() as [EntityName<object> | object];
      const isInstance = Utils.isEntity(first);
      const rows = this.#rowsOf(this.getMetadata().get((isInstance ? first.constructor : first) as EntityName<object>));
      if (!rows || !isOwned(rows.rule)) return;
      if (name !== "insert" && name !== "insertMany" && name !== "nativeUpdate")
        refuse(name, "find the row and change it, or create one: the row that is there may be another's");
      const values = (isInstance ? args[0] : args[name === "nativeUpdate" ? 2 : 1]) as Record<string, unknown>;
      for (const each of [values].flat()) (name === "nativeUpdate" ? checkChanged : checkCreated)(rows, each);
    }

    get #viewer() {
      return this.#reader === undefined || this.#reader.reader === "SYSTEM" ? undefined : this.#reader.reader;
    }

    #rowsOf(meta: EntityMetadata): WrittenRows | undefined {
      return this.#viewer && { meta, rule: rules.get(meta.class), writer: this.#viewer };
    }

    #become(access: Access | undefined, reader: Reader | undefined): this {
      this.#access = access;
      this.#reader = reader;
      return this;
    }
  }
  for (const name of [...writing, ...unfiltered, ...ofTransactions]) guardWith(Owned.prototype, name);
  return Owned as never;
}

function guardWith(prototype: { guard(name: Guarded, args: readonly unknown[]): void }, name: Guarded): void {
  const original = SqlEntityManager.prototype[name] as (...args: unknown[]) => unknown;
  Object.defineProperty(prototype, name, {
    value(this: typeof prototype, ...args: unknown[]): unknown {
      this.guard(name, args);
      return original.apply(this, args);
    },
  });
}

/** Nested transactions go through the connection, so it is there; what reads or writes by itself is not. */
function withoutSql(connection: Connection): Connection {
  return new Proxy(connection, {
    get: (target, name) => {
      if (name !== "transactional") refuse(`getConnection().${String(name)}`, sqlHint);
      return target.transactional.bind(target);
    },
  });
}

const ofCollections = new Set(["$some", "$none", "$every", "$size"]);

/** MikroORM asks these by a query of its own that no filter reaches. */
function asksOfCollections(where: unknown): boolean {
  if (Array.isArray(where)) return where.some(asksOfCollections);
  return Utils.isPlainObject(where) && Object.entries(where).some(([key, value]) => ofCollections.has(key) || asksOfCollections(value));
}

function isIn(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
