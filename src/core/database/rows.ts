import { BooleanType, JsonType, type EntityClass, type EntityProperty } from "@mikro-orm/core";
import type { MikroORM } from "@mikro-orm/sqlite";
import { WeftlineError } from "../errors.ts";
import { conditionOf, type OwnershipRules } from "./ownership.ts";
import type { Sql, SqlValue } from "./sql.ts";
import type { Reach, Viewer } from "./viewer.ts";

/** Which rows of an entity's table, which the SQL calls `e`. */
export interface RowQuery {
  /** SQL with `?` for each of `params`; never put a value into it. */
  readonly where: string;
  readonly params: readonly SqlValue[];
  /** SQL, as in `e.start_seq desc`. */
  readonly orderBy?: string;
  readonly limit?: number;
  /** What a document that is no JSON is: its text, by default, so that it takes only itself from a page; or refused. */
  readonly unreadable?: "text" | "refused";
}

/** Who reads. */
export interface RowViewer {
  readonly reader: Viewer | "SYSTEM";
  readonly reach: Reach;
}

/** The platform itself, for what was allowed before: it reads past the rule. */
export const asPlatform: RowViewer = { reader: "SYSTEM", reach: "MINE" };

interface Shape {
  readonly name: string;
  readonly entityClass: unknown;
  readonly prototype: object;
  readonly columns: string;
  readonly table: string;
  readonly tenant: string;
  readonly owner: string;
  readonly json: readonly string[];
  readonly booleans: readonly string[];
  /** Whether all of its properties are plain: text, numbers, booleans, documents, formulas. */
  readonly plain: boolean;
}

const alias = "e";
const column = (name: string): string => `${alias}."${name}"`;

/**
 * Reads entities by prepared SQL, under the same ownership rule as the entity manager and at a tenth of its cost. What it gives is not
 * managed: to change a row, find it with `tx.em`.
 */
export class RowReader {
  readonly #orm: MikroORM;
  readonly #sql: () => Sql;
  readonly #rules: OwnershipRules;
  readonly #shapes = new Map<unknown, Shape>();

  /** @param sql what to read with: within a write, the connection that sees what was written. */
  constructor(orm: MikroORM, sql: () => Sql, rules: OwnershipRules) {
    this.#orm = orm;
    this.#sql = sql;
    this.#rules = rules;
  }

  /** Whether rows of an entity are read here: its properties are plain, and no more than its tenant and owner are asked for. */
  reads<Entity extends object>(entity: EntityClass<Entity>): boolean {
    const { entityClass, plain } = this.#shapeOf(entity);
    const rule = this.#rules.get(entityClass)?.rule;
    return plain && (rule === "SHARED" || rule === "PRIVATE");
  }

  /** @throws INTERNAL for entities that are not read here; see {@link RowReader.reads}. The platform itself reads all whose properties are plain. */
  async all<Entity extends object>(entity: EntityClass<Entity>, viewer: RowViewer, query: RowQuery): Promise<Entity[]> {
    const shape = this.#shapeOf(entity);
    const { text, params } = this.#guarded(shape, viewer, query);
    const order = query.orderBy === undefined ? "" : ` order by ${query.orderBy}`;
    const limit = query.limit === undefined ? "" : " limit ?";
    const last = query.limit === undefined ? [] : [query.limit];
    const rows = await this.#sql().all<Record<string, unknown>>(`select ${shape.columns} ${text}${order}${limit}`, ...params, ...last);
    return rows.map((row) => toEntity<Entity>(shape, row, query.unreadable ?? "text"));
  }

  /** By the column `id`. Lists are filled up to a power of two, so that few statements serve all lengths. */
  async byIds<Entity extends object>(
    entity: EntityClass<Entity>,
    viewer: RowViewer,
    ids: readonly string[],
    unreadable?: RowQuery["unreadable"],
  ): Promise<Entity[]> {
    if (ids.length === 0 && this.reads(entity)) return [];
    const length = 2 ** Math.ceil(Math.log2(Math.max(1, ids.length)));
    const params = [...ids, ...Array.from({ length: length - ids.length }, () => null)];
    return this.all(entity, viewer, {
      where: `${alias}.id in (${params.map(() => "?").join(", ")})`,
      params,
      ...(unreadable ? { unreadable } : {}),
    });
  }

  /** How many rows there are, or the query's limit where that is less: no more than that many are read. */
  async count<Entity extends object>(entity: EntityClass<Entity>, viewer: RowViewer, query: RowQuery): Promise<number> {
    const shape = this.#shapeOf(entity);
    const { text, params } = this.#guarded(shape, viewer, query);
    const limited = query.limit === undefined ? `select count(*) as n ${text}` : `select count(*) as n from (select 1 ${text} limit ?)`;
    const last = query.limit === undefined ? [] : [query.limit];
    return (await this.#sql().get<{ n: number }>(limited, ...params, ...last))?.n ?? 0;
  }

  /** What the reader may see, as a table of its own, and the caller's condition on that: no condition reaches behind it. */
  #guarded(shape: Shape, viewer: RowViewer, { where, params }: RowQuery): { readonly text: string; readonly params: readonly SqlValue[] } {
    const rule = this.#rules.get(shape.entityClass);
    if (!shape.plain || (viewer.reader !== "SYSTEM" && rule?.rule !== "SHARED" && rule?.rule !== "PRIVATE")) {
      throw new WeftlineError("INTERNAL", { message: `Rows of ${shape.name} are read with the entity manager only.` });
    }
    const { tenantId, ownerId } = conditionOf(rule, viewer) as { readonly tenantId?: string; readonly ownerId?: string };
    const guards = [
      ...(tenantId === undefined ? [] : [{ text: `${shape.tenant} = ?`, value: tenantId }]),
      ...(ownerId === undefined ? [] : [{ text: `${shape.owner} = ?`, value: ownerId }]),
    ];
    return {
      text: `from (select * from ${shape.table} ${alias}${guards.length === 0 ? "" : ` where ${guards.map(({ text }) => text).join(" and ")}`}) ${alias} where (${where})`,
      params: [...guards.map(({ value }) => value), ...params],
    };
  }

  #shapeOf<Entity extends object>(entity: EntityClass<Entity>): Shape {
    const known = this.#shapes.get(entity);
    if (known) return known;
    const meta = this.#orm.getMetadata().get<Entity>(entity as never);
    const props = Object.values(meta.properties) as EntityProperty[];
    const columns = Object.fromEntries(props.map(({ name, fieldNames }) => [name, column(fieldNames?.[0] ?? name)]));
    const shape: Shape = {
      name: meta.className,
      entityClass: meta.class,
      prototype: (meta.class as { readonly prototype: object }).prototype,
      plain: props.every(isPlain),
      columns: props.map((prop) => `${expressionOf(prop, columns)} as "${prop.name}"`).join(", "),
      table: `"${meta.tableName}"`,
      tenant: columns.tenantId ?? "null",
      owner: columns.ownerId ?? "null",
      json: props.filter(({ customType }) => customType instanceof JsonType).map(({ name }) => name),
      booleans: props.filter(isBoolean).map(({ name }) => name),
    };
    this.#shapes.set(entity, shape);
    return shape;
  }
}

function expressionOf({ name, formula }: EntityProperty, columns: Readonly<Record<string, string>>): string {
  return formula === undefined ? (columns[name] ?? name) : String(formula(columns as never, { alias } as never));
}

function isPlain({ kind, persist, formula, customType, runtimeType }: EntityProperty): boolean {
  if (kind !== "scalar" || (persist === false && formula === undefined)) return false;
  return customType instanceof JsonType || runtimeType === "string" || runtimeType === "number" || runtimeType === "boolean";
}

function isBoolean({ customType, runtimeType, type }: EntityProperty): boolean {
  return customType instanceof BooleanType || runtimeType === "boolean" || type === "boolean";
}

function toEntity<Entity>(shape: Shape, row: Record<string, unknown>, unreadable: "text" | "refused"): Entity {
  for (const name of shape.json) if (typeof row[name] === "string") row[name] = documentOf(row[name], unreadable);
  for (const name of shape.booleans) if (typeof row[name] === "number") row[name] = row[name] !== 0;
  return plainEntity(shape.prototype, row);
}

/** A document as a column holds it. @param unreadable what becomes of one that is no JSON. */
export function documentOf(text: string, unreadable: NonNullable<RowQuery["unreadable"]> = "text"): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (unreadable === "refused") throw error;
    return text;
  }
}

/** An object of an entity's class that is not managed. Assigning would call the setters by which MikroORM watches for changes. */
export function plainEntity<Entity>(prototype: object, values: object): Entity {
  return { __proto__: prototype, ...values } as Entity;
}
