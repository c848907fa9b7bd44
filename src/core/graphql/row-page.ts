import type { EntityClass } from "@mikro-orm/core";
import type { RowQuery } from "../database/rows.ts";
import type { Reach } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import { defaultPageSize, mostCounted, pageWindow, type Page, type PageArgs } from "./connections.ts";
import type { Scope } from "./scope.ts";

/** A list of rows in the order of one unique number. */
export interface RowList extends Pick<RowQuery, "where" | "params"> {
  /** The property that orders the list, ascending, and its column. */
  readonly by: { readonly property: string; readonly column: string };
  readonly reach?: Reach;
}

/**
 * A page of a list like that of `pageOf`, by prepared SQL: for lists that are read all the time. Its rows are not managed.
 *
 * @throws INVALID_CURSOR for a cursor of another list.
 * @example pageOfRows(scope, Message, { where: "e.thread_id = ?", params: [id], by: { property: "startSeq", column: "start_seq" } }, args)
 */
export async function pageOfRows<Entity extends object>(
  scope: Scope,
  entity: EntityClass<Entity>,
  list: RowList,
  args: PageArgs,
): Promise<Page<Entity>> {
  const { where, params, by, reach = "MINE" } = list;
  const { first, last, after, before } = pageWindow(args);
  const size = first ?? last ?? defaultPageSize;
  const totalCount = async (): Promise<number | null> => {
    const count = await scope.countRows(entity, { where, params, limit: mostCounted + 1 }, reach);
    return count > mostCounted ? null : count;
  };
  if (size === 0)
    return { edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }, totalCount };

  const bounds = [
    ...(after === undefined ? [] : [{ text: `e.${by.column} > ?`, value: numberOf(after) }]),
    ...(before === undefined ? [] : [{ text: `e.${by.column} < ?`, value: numberOf(before) }]),
  ];
  const query: RowQuery = {
    where: [`(${where})`, ...bounds.map(({ text }) => text)].join(" and "),
    params: [...params, ...bounds.map(({ value }) => value)],
    orderBy: `e.${by.column} ${first === undefined ? "desc" : "asc"}`,
    limit: size + 1,
  };
  const found = await scope.rows(entity, query, reach);
  const rows = first === undefined ? found.slice(0, size).toReversed() : found.slice(0, size);
  const edges = rows.map((node) => ({ node, cursor: cursorOf((node as Record<string, unknown>)[by.property]) }));
  const more = found.length > size;
  return {
    edges,
    pageInfo: {
      hasNextPage: first === undefined ? before !== undefined : more,
      hasPreviousPage: first === undefined ? more : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount,
  };
}

const cursorOf = (value: unknown): string => Buffer.from(JSON.stringify([value])).toString("base64url");

function numberOf(cursor: string): number {
  try {
    const [value, ...rest] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as readonly unknown[];
    if (Number.isSafeInteger(value) && rest.length === 0) return value as number;
  } catch {
    // Not JSON, or no list: the same answer as for a cursor of another list.
  }
  throw new WeftlineError("INVALID_CURSOR", { cursor: JSON.stringify(cursor.slice(0, 60)) });
}
