import { raw, type EntitySchema, type FilterQuery } from "@mikro-orm/core";
import { WeftlineError } from "../errors.ts";
import { hasRole, type Reach, type Viewer } from "./viewer.ts";

/**
 * Who may read a row.
 *
 * - `SHARED`: every member of its tenant.
 * - `PRIVATE`: its owner; with reach TENANT, admins of the tenant.
 * - `GRANTED`: its owner and whom `grant` names; these only read it.
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

const nothing = { [raw("1 = 0")]: [] };

/** Who reads, and how far. */
export interface Reader {
  readonly reader: Viewer | "SYSTEM";
  readonly reach: Reach;
}

/** The rule of each entity by its class. A name would not do: two classes may have one. */
export type OwnershipRules = ReadonlyMap<unknown, OwnershipRule>;

export function rulesOf(entities: readonly OwnedEntity[]): OwnershipRules {
  return new Map(entities.map(({ schema, ownership }) => [schema.init().meta.class, ownership]));
}

/** What must hold of a row for the reader to see it, or to change or delete it in place. */
export function conditionOf(ownership: OwnershipRule | undefined, { reader, reach }: Reader, access: "read" | "write" = "read"): object {
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
        : access === "write"
          ? mine
          : { $or: [mine, { $and: [within(reader.tenantId), ownership.grant(reader)] }] };
    default:
      return nothing;
  }
}

/** Not as an equality: both sides of the OR would have it, and SQLite would read all rows of the tenant before those that are asked for. */
const within = (tenantId: string): object => ({ $not: { tenantId: { $ne: tenantId } } });

/** @throws FORBIDDEN where the reach is not the reader's. */
export function readerOf(reader: Viewer | "SYSTEM", reach: Reach = "MINE"): Reader {
  if (reach === "TENANT" && reader !== "SYSTEM" && !hasRole(reader, "admin")) {
    throw new WeftlineError("FORBIDDEN", { message: "Only admins read with scope TENANT.", path: ["scope"] });
  }
  return { reader, reach };
}
