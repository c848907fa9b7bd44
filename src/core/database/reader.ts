import type { EntityManager, QueryBuilder } from "@mikro-orm/sqlite";
import { WeftlineError } from "../errors.ts";

const refused = [
  "flush",
  "begin",
  "transactional",
  "insert",
  "insertMany",
  "upsert",
  "upsertMany",
  "nativeUpdate",
  "nativeDelete",
  "execute",
  "getKysely",
  "getConnection",
] as const;

/**
 * Makes an entity manager refuse to write: a write past the queue would join whatever transaction is open on the connection. Raw SQL
 * is refused too, since it would pass by the ownership filter.
 */
export function readOnly(em: EntityManager): EntityManager {
  const fork = em.fork.bind(em);
  return Object.assign(filtered(em, "reads"), Object.fromEntries(refused.map((name) => [name, () => refuse(name)])), {
    fork: (options: Parameters<typeof fork>[0]) => readOnly(fork(options) as EntityManager),
  });
}

function refuse(what: string): never {
  throw new WeftlineError("INTERNAL", { message: `${what} outside Database.write: use the tx that it hands in.` });
}

/** Makes the query builders of an entity manager apply the ownership filter, which MikroORM leaves to the caller. */
export function filtered(em: EntityManager, allowed: "reads" | "writes"): EntityManager {
  const createQueryBuilder = em.createQueryBuilder.bind(em) as (...args: unknown[]) => AnyBuilder;
  const create = (...args: unknown[]): AnyBuilder => filteredBuilder(createQueryBuilder(...args), allowed);
  return Object.assign(em, { createQueryBuilder: create, qb: create });
}

type AnyBuilder = QueryBuilder<object>;

function filteredBuilder(builder: AnyBuilder, allowed: "reads" | "writes", known: "filtered" | "unfiltered" = "unfiltered"): AnyBuilder {
  let state = known;
  const { applyFilters, execute, stream, clone } = builder;
  const prepare = async (): Promise<void> => {
    const { type } = builder as unknown as { readonly type: string };
    if (type !== "SELECT" && type !== "COUNT" && allowed === "reads") refuse(`A query builder's ${type}`);
    if (state === "unfiltered" && type !== "INSERT") await builder.applyFilters();
  };
  return Object.assign(builder, {
    applyFilters: async (...args: Parameters<typeof applyFilters>) => {
      state = "filtered";
      await applyFilters.apply(builder, args);
    },
    execute: async (...args: Parameters<typeof execute>) => {
      await prepare();
      return execute.apply(builder, args);
    },
    stream: async function* (...args: Parameters<typeof stream>) {
      await prepare();
      yield* stream.apply(builder, args);
    },
    clone: (...args: Parameters<typeof clone>) =>
      filteredBuilder(clone.apply(builder, args) as AnyBuilder, allowed, args[0] === true ? "unfiltered" : state),
  } as Partial<AnyBuilder>);
}
