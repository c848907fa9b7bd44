import type { EntityClass, EntityManager, FilterQuery, QueryOrderMap } from "@mikro-orm/core";
import { WeftlineError } from "../errors.ts";
import { partsOf, type GraphBuilder, type GraphTypes } from "./builder.ts";
import { PageInfo } from "./nodes.ts";

/** The arguments of a connection, as a client gave them. */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** One page of a list, as the connection types show it. */
export interface Page<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  /** Counts the whole list, up to {@link mostCounted}; asked only when a client selects it. */
  readonly totalCount: () => Promise<number | null>;
}

export const defaultPageSize = 20;
/** Longer lists are not counted: it would take longer than all else that a page costs, and grow with each row. */
export const mostCounted = 10_000;
export const maxPageSize = 100;

interface Window {
  readonly first?: number;
  readonly after?: string;
  readonly last?: number;
  readonly before?: string;
}

/**
 * Checks page arguments and fills the default size.
 *
 * @throws INVALID_INPUT for a size outside 0–100 or for both directions at once.
 */
export function pageWindow(args: PageArgs): Window {
  const { first, after, last, before } = args;
  if (first != null && last != null) throw badPage("first", "Pass first or last, not both.");
  for (const [name, size] of Object.entries({ first, last })) {
    if (size != null && (size < 0 || size > maxPageSize)) throw badPage(name, `A page holds 0 to ${maxPageSize}.`);
  }
  if (last != null || (before != null && first == null)) return { last: last ?? defaultPageSize, ...(before == null ? {} : { before }) };
  return { first: first ?? defaultPageSize, ...(after == null ? {} : { after }), ...(before == null ? {} : { before }) };
}

function badPage(name: string, message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { path: [name], message, issues: [{ path: [name], message }] });
}

/**
 * A page of entities by keyset, so that it neither skips nor repeats while rows come and go.
 *
 * @param orderBy must end in a unique column.
 * @throws INVALID_CURSOR for a cursor of another list.
 * @example pageOf(scope.em, Agent, { status: "ACTIVE" }, args, { createdAt: "desc", id: "desc" })
 */
export async function pageOf<Entity extends object>(
  em: EntityManager,
  entity: EntityClass<Entity>,
  where: FilterQuery<Entity>,
  args: PageArgs,
  orderBy: QueryOrderMap<Entity>,
): Promise<Page<Entity>> {
  const window = pageWindow(args);
  const size = window.first ?? window.last ?? defaultPageSize;
  const columns = Object.keys(orderBy).map((name) => em.getMetadata().get(entity).properties[name as never]?.["runtimeType"]);
  for (const cursor of [window.after, window.before]) if (cursor !== undefined) checkCursor(cursor, columns);
  const totalCount = async (): Promise<number | null> => {
    const [beyond] = await em.find(entity, where as never, { offset: mostCounted, limit: 1, disableIdentityMap: true } as never);
    return beyond ? null : em.count(entity, where as never);
  };
  if (size === 0)
    return { edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }, totalCount };
  const cursor = await em.findByCursor(entity, { where, orderBy: orderBy as never, includeCount: false, ...window } as never);
  const edges = cursor.items.map((node) => ({ node: node as Entity, cursor: cursor.from(node as never) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: cursor.hasNextPage,
      hasPreviousPage: cursor.hasPrevPage,
      startCursor: cursor.startCursor,
      endCursor: cursor.endCursor,
    },
    totalCount,
  };
}

/** @param columns the JavaScript types of what the list is ordered by. */
function checkCursor(cursor: string, columns: readonly unknown[]): void {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(parsed) && parsed.length === columns.length && parsed.every((value, at) => isPlace(value, columns[at]))) return;
  } catch {
    // Not JSON: the same answer as for a cursor of another list.
  }
  throw new WeftlineError("INVALID_CURSOR", { cursor: JSON.stringify(cursor.slice(0, 60)) });
}

/** SQL compares values of different types without complaint, and the ORM does not take every value for one. */
function isPlace(value: unknown, type: unknown): boolean {
  if (type === "number") return Number.isSafeInteger(value);
  return typeof value === type && !(typeof value === "string" && value.includes("\0"));
}

/** A page of a list that is in memory, in the order given; cursors are positions by `key`. */
export function pageOfList<T>(items: readonly T[], args: PageArgs, key: (item: T) => string): Page<T> {
  const window = pageWindow(args);
  const at = (cursor: string | undefined, fallback: number): number => {
    if (cursor === undefined) return fallback;
    const index = items.findIndex((item) => cursorOf(key(item)) === cursor);
    if (index < 0) throw new WeftlineError("INVALID_CURSOR", { cursor: JSON.stringify(cursor.slice(0, 60)) });
    return index;
  };
  let from = at(window.after, -1) + 1;
  let to = at(window.before, items.length);
  if (window.first !== undefined) to = Math.min(to, from + window.first);
  else if (window.last !== undefined) from = Math.max(from, to - window.last);
  const edges = items.slice(from, to).map((node) => ({ node, cursor: cursorOf(key(node)) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: to < items.length,
      hasPreviousPage: from > 0,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: async () => items.length,
  };
}

const cursorOf = (key: string): string => Buffer.from(key).toString("base64url");

/**
 * Defines `<Name>Connection` and `<Name>Edge` once a builder; who lists the same type again is given the same connection.
 *
 * @returns the connection's type; resolve a field of it to a {@link Page}.
 * @example
 * const AgentConnection = connectionType(builder, "Agent", Agent);
 * t.field({ type: AgentConnection, args: pageArgs(t), resolve: (_, args, scope) => pageOf(scope.em, Agent, {}, args, { id: "desc" }) })
 */
export function connectionType<T>(builder: GraphBuilder, name: string, type: abstract new (...args: never[]) => T): ConnectionRef<T>;
export function connectionType(builder: GraphBuilder, name: string, type: unknown): ConnectionRef<never>;
export function connectionType(builder: GraphBuilder, name: string, type: unknown): ConnectionRef<never> {
  const { connections } = partsOf(builder);
  const known = connections.get(name) as ConnectionRef<never> | undefined;
  if (known) return known;
  const connection = defineConnection(builder, name, type);
  connections.set(name, connection);
  return connection;
}

type ConnectionRef<T> = PothosSchemaTypes.ObjectRef<GraphTypes, Page<T>>;

function defineConnection(builder: GraphBuilder, name: string, type: unknown): ConnectionRef<never> {
  const edge = builder.objectRef<{ cursor: string; node: never }>(`${name}Edge`).implement({
    description: `A ${name} with its place in a list.`,
    fields: (t) => ({
      cursor: t.exposeString("cursor", { nullable: false, description: "The place, for `after` and `before`." }),
      node: t.field({ type: type as never, nullable: false, description: `The ${name}.`, resolve: ({ node }) => node }),
    }),
  });
  return builder.objectRef<Page<never>>(`${name}Connection`).implement({
    description: `A page of a list of ${name}.`,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        nullable: false,
        description: "What is on the page, with cursors.",
        resolve: (page) => [...page.edges],
      }),
      nodes: t.field({
        type: [type] as never,
        nullable: false,
        description: "What is on the page.",
        resolve: (page) => page.edges.map(({ node }) => node) as never,
      }),
      pageInfo: t.field({ type: PageInfo, nullable: false, description: "Where the page stands.", resolve: (page) => page.pageInfo }),
      totalCount: t.int({
        description: `How long the whole list is; counted only when it is selected, and null beyond ${mostCounted}.`,
        resolve: (page) => page.totalCount(),
      }),
    }),
  }) as never;
}

/** The arguments of a connection field. */
export function pageArgs(t: Pick<PothosSchemaTypes.RootFieldBuilder<GraphTypes, unknown>, "arg">) {
  return {
    first: t.arg.int({ description: `How many from the start, at most ${maxPageSize}; ${defaultPageSize} by default.` }),
    after: t.arg.string({ description: "Start behind this cursor." }),
    last: t.arg.int({ description: `How many from the end, at most ${maxPageSize}.` }),
    before: t.arg.string({ description: "End before this cursor." }),
  };
}
