import {
  BooleanType,
  JsonType,
  type EntityClass,
  type EntityMetadata,
  type EntityProperty,
  type RequiredEntityData,
} from "@mikro-orm/core";
import type { MikroORM } from "@mikro-orm/sqlite";
import { WeftlineError } from "../errors.ts";
import type { OwnershipRules } from "./ownership.ts";
import { checkCreated, isOwned } from "./ownership/writes.ts";
import { plainEntity } from "./rows.ts";
import type { Sql, SqlValue } from "./sql.ts";
import type { Viewer } from "./viewer.ts";

interface Column {
  readonly property: string;
  readonly toSql: (value: unknown) => SqlValue;
  /** What is stored where no value is given. */
  readonly fallback: unknown;
}

interface InsertShape {
  readonly meta: EntityMetadata;
  readonly prototype: object;
  readonly text: string;
  readonly columns: readonly Column[];
}

/**
 * Inserts entities by prepared SQL, for what is written all the time: an entity manager costs ten times as much. A viewer writes only rows that
 * it could read back as its own.
 */
export class RowWriter {
  readonly #orm: MikroORM;
  readonly #sql: Sql;
  readonly #rules: OwnershipRules;
  readonly #shapes = new Map<unknown, InsertShape>();

  constructor(orm: MikroORM, sql: Sql, rules: OwnershipRules) {
    this.#orm = orm;
    this.#sql = sql;
    this.#rules = rules;
  }

  /**
   * Within the open write.
   *
   * @returns the row, not managed and without its formulas.
   * @throws FORBIDDEN for a row of another tenant or owner than the writer's.
   */
  async insert<Entity extends object>(
    entity: EntityClass<Entity>,
    writer: Viewer | "SYSTEM",
    values: RequiredEntityData<Entity>,
  ): Promise<Entity> {
    const shape = this.#shapeOf(entity);
    const given = values as Readonly<Record<string, unknown>>;
    if (writer !== "SYSTEM") this.#guard(shape, writer, given);
    const row = Object.fromEntries(shape.columns.map(({ property, fallback }) => [property, given[property] ?? fallback]));
    await this.#sql.run(shape.text, ...shape.columns.map(({ property, toSql }) => toSql(row[property])));
    return plainEntity<Entity>(shape.prototype, row);
  }

  #guard({ meta }: InsertShape, writer: Viewer, row: Readonly<Record<string, unknown>>): void {
    const rule = this.#rules.get(meta.class);
    if (!isOwned(rule)) throw new WeftlineError("INTERNAL", { message: `A row of ${meta.className} that its writer could not read.` });
    checkCreated({ meta, rule, writer }, row);
  }

  #shapeOf(entity: EntityClass<object>): InsertShape {
    const known = this.#shapes.get(entity);
    if (known) return known;
    const meta = this.#orm.getMetadata().get(entity as never);
    const props = (Object.values(meta.properties) as EntityProperty[]).filter(({ formula }) => formula === undefined);
    const shape: InsertShape = {
      meta: meta as EntityMetadata,
      prototype: (meta.class as { readonly prototype: object }).prototype,
      text: `insert into "${meta.tableName}" (${props.map(({ name, fieldNames }) => `"${fieldNames?.[0] ?? name}"`).join(", ")})
             values (${props.map(() => "?").join(", ")})`,
      columns: props.map((prop) => ({ property: prop.name, toSql: encoderOf(prop), fallback: prop.default ?? null })),
    };
    this.#shapes.set(entity, shape);
    return shape;
  }
}

function encoderOf({ customType, runtimeType }: EntityProperty): Column["toSql"] {
  if (customType instanceof JsonType) return (value) => (value === null ? null : JSON.stringify(value));
  if (customType instanceof BooleanType || runtimeType === "boolean") return (value) => (value === null ? null : Number(value));
  return (value) => value as SqlValue;
}
