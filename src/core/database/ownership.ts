import { raw, type EntityManager, type EntitySchema, type FilterQuery } from "@mikro-orm/core";
import { WeftlineError } from "../errors.ts";
import { hasRole, type Reach, type Viewer } from "./viewer.ts";

/**
 * Who may read a row.
 *
 * - `SHARED`: every member of its tenant.
 * - `PRIVATE`: its owner; with reach TENANT, admins of the tenant.
 * - `GRANTED`: its owner and whom `grant` names.
 * - `INTERNAL`: nobody; only the platform itself.
 */
export type OwnershipRule<Entity = never> =
  | { readonly rule: "SHARED" | "PRIVATE" | "INTERNAL" }
  | { readonly rule: "GRANTED"; readonly grant: (viewer: Viewer) => FilterQuery<Entity> };

/** An entity with its rule: what stands in a plugin's `entities`. */
export interface OwnedEntity {
  readonly schema: EntitySchema;
  readonly ownership: OwnershipRule;
}

/**
 * Declares who may read an entity. Rows of every rule but INTERNAL need the properties `tenantId` and `ownerId`.
 *
 * @example entities: [owned(ThreadSchema, { rule: "PRIVATE" })]
 */
export function owned<Entity>(schema: EntitySchema<Entity>, ownership: OwnershipRule<Entity>): OwnedEntity {
  return { schema: schema as unknown as EntitySchema, ownership: ownership as unknown as OwnershipRule };
}

const filterName = "ownership";
const nothing = { [raw("1 = 0")]: [] };

interface FilterParams {
  readonly reader: Viewer | "SYSTEM";
  readonly reach: Reach;
}

/** The rule of each entity by its name. */
export function rulesOf(entities: readonly OwnedEntity[]): ReadonlyMap<string, OwnershipRule> {
  return new Map(entities.map(({ schema, ownership }) => [schema.meta.className, ownership]));
}

/** The filter that stands on every query of every entity. It has no default: a query without a reader throws. */
export function ownershipFilter(entities: readonly OwnedEntity[]): Record<string, object> {
  const rules = rulesOf(entities);
  return {
    [filterName]: {
      name: filterName,
      default: true,
      args: true,
      cond: (params: FilterParams, _type: string, _em: unknown, _options: unknown, entityName: string) =>
        conditionOf(rules.get(entityName), params),
    },
  };
}

/** What must hold of a row for the reader to see it. */
export function conditionOf(ownership: OwnershipRule | undefined, { reader, reach }: FilterParams): object {
  if (reader === "SYSTEM") return {};
  const mine = { tenantId: reader.tenantId, ownerId: reader.actorId };
  switch (ownership?.rule) {
    case "SHARED":
      return { tenantId: reader.tenantId };
    case "PRIVATE":
      return reach === "TENANT" && hasRole(reader, "admin") ? { tenantId: reader.tenantId } : mine;
    case "GRANTED":
      return reach === "TENANT" && hasRole(reader, "admin")
        ? { tenantId: reader.tenantId }
        : { $or: [mine, { $and: [{ tenantId: reader.tenantId }, ownership.grant(reader)] }] };
    default:
      return nothing;
  }
}

/** A fork that reads as `reader`. */
export function forkFor(em: EntityManager, reader: Viewer | "SYSTEM", reach: Reach = "MINE"): EntityManager {
  if (reach === "TENANT" && reader !== "SYSTEM" && !hasRole(reader, "admin")) {
    throw new WeftlineError("FORBIDDEN", { message: "Only admins read with scope TENANT.", path: ["scope"] });
  }
  const fork = em.fork();
  fork.setFilterParams(filterName, { reader, reach } satisfies FilterParams);
  return fork;
}
