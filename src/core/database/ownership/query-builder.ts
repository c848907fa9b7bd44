import type { EntityMetadata, EntityName, MetadataStorage } from "@mikro-orm/core";
import type { QueryBuilder } from "@mikro-orm/sqlite";
import { refuse } from "./refusal.ts";
import { checkChanged, checkCreated, isOwned, type WrittenRows } from "./writes.ts";

/** What a query builder may do. */
export interface BuilderRules {
  readonly access: "reads" | "writes";
  /** Whose rows it may write; absent where the platform itself writes. */
  readonly rows: WrittenRows | undefined;
  /** What the reader sees of an entity, or may change of it; nothing where that is all of it. */
  readonly seenOf: (meta: EntityMetadata, purpose: "read" | "write") => object | undefined;
}

type AnyBuilder = QueryBuilder<object>;
type Values = Record<string, unknown>;

interface Internals {
  readonly type: string | undefined;
  readonly mainAlias: { readonly meta: EntityMetadata };
  readonly helper: { splitField(field: string): [alias: string, field: string] };
  readonly metadata: MetadataStorage;
  getAliasMap(): Readonly<Record<string, EntityName<object>>>;
  joinReference(field: unknown, alias: string, condition?: object, ...rest: unknown[]): unknown;
  getNativeQuery(...args: unknown[]): unknown;
}

/**
 * Makes a query builder carry the ownership filter, which MikroORM leaves to the caller, in what it selects, joins and nests, and refuse to write
 * rows of others. The filter comes in when the query is written out, after all else: no condition reaches behind it.
 */
export function filteredBuilder(builder: AnyBuilder, rules: BuilderRules): AnyBuilder {
  let state: "open" | "filtered" = "open";
  const internals = builder as unknown as Internals;
  const { clone } = builder;
  const { joinReference, getNativeQuery } = internals;
  return Object.assign(builder, {
    ...writes(builder, rules.rows),
    getNativeQuery: (...args: unknown[]) => {
      const { type = "SELECT", mainAlias } = internals;
      if (type !== "SELECT" && type !== "COUNT" && rules.access === "reads") refuse(`A query builder's ${type}`);
      if (type === "TRUNCATE" && isOwned(rules.rows?.rule)) refuse("A query builder's TRUNCATE", "delete what the viewer sees");
      const seen =
        state === "open" && type !== "INSERT"
          ? rules.seenOf(mainAlias.meta, type === "SELECT" || type === "COUNT" ? "read" : "write")
          : undefined;
      state = "filtered";
      if (seen) builder.andWhere(seen as never);
      return getNativeQuery.apply(builder, args);
    },
    joinReference: (field: unknown, alias: string, condition: object = {}, ...rest: unknown[]) => {
      const target = typeof field === "string" ? targetOf(internals, field) : undefined;
      const seen = target && rules.seenOf(target, "read");
      const both = Object.keys(condition).length === 0 ? seen : { $and: [seen, condition] };
      return joinReference.call(builder, field, alias, seen ? both : condition, ...rest);
    },
    clone: (...args: Parameters<typeof clone>) => filteredBuilder(clone.apply(builder, args) as AnyBuilder, rules),
  } as Partial<AnyBuilder>);
}

/** The entity that a join leads to, as in `s.books`. */
function targetOf(builder: Internals, path: string): EntityMetadata | undefined {
  const [alias, name] = builder.helper.splitField(path);
  const from = builder.getAliasMap()[alias];
  return (
    from &&
    (builder.metadata.get(from).properties as Record<string, { readonly targetMeta?: EntityMetadata } | undefined>)[name]?.targetMeta
  );
}

/** The writing calls of a builder, each with its check. */
function writes(builder: AnyBuilder, rows: WrittenRows | undefined): object {
  if (!rows || !isOwned(rows.rule)) return {};
  const { insert, update } = builder as unknown as Record<"insert" | "update", (values: Values | Values[]) => unknown>;
  const refuseCopy = (name: string) => (): never => refuse(`A query builder's ${name}`, "find the row and change it, or insert one");
  return {
    insert: (values: Values | Values[]) => {
      for (const each of [values].flat()) checkCreated(rows, each);
      return insert.call(builder, values);
    },
    update: (values: Values) => {
      checkChanged(rows, values);
      return update.call(builder, values);
    },
    insertFrom: refuseCopy("insertFrom"),
    onConflict: refuseCopy("onConflict"),
  };
}
