import { ChangeSetType, type EntityMetadata, type UnitOfWork } from "@mikro-orm/core";
import { WeftlineError } from "../../errors.ts";
import type { OwnershipRule } from "../ownership.ts";
import type { Viewer } from "../viewer.ts";

/** The rows of an entity, as a viewer writes them. */
export interface WrittenRows {
  readonly meta: EntityMetadata;
  readonly rule: OwnershipRule | undefined;
  readonly writer: Viewer;
}

type Values = Readonly<Record<string, unknown>>;

/**
 * What the tenant shares, its admins write too: a new version that an admin makes of another's agent stays with the agent's owner.
 *
 * @throws FORBIDDEN where a new row would belong to another.
 */
export function checkCreated({ meta, rule, writer }: WrittenRows, values: Values): void {
  if (!isOwned(rule)) return;
  const writesForOthers = rule?.rule === "SHARED" && writer.roles.includes("admin");
  const wanted = { tenantId: writer.tenantId, ...(writesForOthers ? {} : { ownerId: writer.actorId }) };
  for (const [name, own] of Object.entries(wanted)) {
    const given = keysOf(meta, name).filter((key) => key in values);
    if (given.length > 0 && given.every((key) => values[key] === own)) continue;
    const value = given.map((key) => String(values[key])).join(", ") || "nobody";
    throw forbidden(`A new ${meta.className} has the ${name} ${value}, but ${own} writes it.`);
  }
}

/** @throws FORBIDDEN where a change would give rows to another. */
export function checkChanged({ meta, rule }: WrittenRows, values: Values): void {
  if (!isOwned(rule)) return;
  const name = ["tenantId", "ownerId"].find((each) => keysOf(meta, each).some((key) => key in values));
  if (name !== undefined) throw forbidden(`The ${name} of a ${meta.className} is not changed in a viewer's write.`);
}

/** Whether rows of an entity belong to somebody. */
export function isOwned(rule: OwnershipRule | undefined): boolean {
  return rule !== undefined && rule.rule !== "INTERNAL";
}

interface Flush {
  readonly rows: (meta: EntityMetadata) => WrittenRows;
  /** How many of these rows the writer sees. */
  readonly count: (meta: EntityMetadata, keys: readonly object[]) => Promise<number>;
}

/**
 * Checks what a flush is about to write. Rows that are changed or deleted have to be seen by the writer: an entity need not have been found, a
 * reference by its id is enough to change one.
 *
 * @throws FORBIDDEN or NOT_FOUND
 */
export async function checkFlush(work: UnitOfWork, { rows, count }: Flush): Promise<void> {
  const changed = new Map<EntityMetadata, object[]>();
  for (const set of work.getChangeSets()) {
    const written = rows(set.meta as EntityMetadata);
    if (!isOwned(written.rule)) continue;
    if (set.type === ChangeSetType.CREATE) {
      checkCreated(written, set.payload as Values);
      continue;
    }
    if (set.type === ChangeSetType.UPDATE || set.type === ChangeSetType.UPDATE_EARLY) checkChanged(written, set.payload as Values);
    const keys = changed.get(written.meta) ?? [];
    changed.set(written.meta, [...keys, set.getPrimaryKey(true) as object]);
  }
  for (const [meta, keys] of changed) {
    if ((await count(meta, keys)) < keys.length) throw new WeftlineError("NOT_FOUND", { what: meta.className });
  }
}

/** By property, and by column: a query builder takes either. */
function keysOf(meta: EntityMetadata, name: string): string[] {
  const property = (meta.properties as Record<string, { readonly fieldNames?: readonly string[] } | undefined>)[name];
  return [...new Set([name, ...(property?.fieldNames ?? [])])];
}

function forbidden(message: string): WeftlineError {
  return new WeftlineError("FORBIDDEN", { message, fix: 'Write as the owner, or as the platform: database.write("SYSTEM", …).' });
}
