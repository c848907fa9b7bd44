import { databaseService } from "../../database/database.ts";
import { principalsOf } from "../../database/principals.ts";
import type { Sql, SqlValue } from "../../database/sql.ts";
import { WeftlineError } from "../../errors.ts";
import { defaultPageSize, mostCounted, pageWindow, type Page, type PageArgs } from "../../graphql/connections.ts";
import type { Scope } from "../../graphql/scope.ts";
import { Interrupt } from "../entities/message.ts";
import type { InterruptKind, InterruptStatus } from "../types.ts";

/** Which of the interrupts that the viewer owns or may decide. */
export interface MineFilter {
  readonly statuses: readonly InterruptStatus[];
  readonly kinds?: readonly InterruptKind[] | undefined;
}

/** The place of an interrupt in the list. */
interface Place {
  readonly id: string;
  readonly at: number;
}

/** An ordered part of the list that one index holds: the viewer's own of one status, or those that name it in one way. */
interface Part {
  /** SQL of `id` and `at`, without its order. */
  readonly text: string;
  readonly params: readonly SqlValue[];
  readonly id: string;
  readonly at: string;
}

/**
 * A page of the interrupts that the viewer owns or may decide, newest first. One condition for both would have SQLite read and sort all of them. So
 * each part is read in the order of its index, as far as the page goes, and the parts are merged.
 */
export async function pageOfMine(scope: Scope, filter: MineFilter, args: PageArgs): Promise<Page<Interrupt>> {
  const { first, last, after, before } = pageWindow(args);
  const size = first ?? last ?? defaultPageSize;
  const { read } = scope.use(databaseService);
  const parts = partsOf(scope, filter);
  const totalCount = (): Promise<number | null> => count(read, parts);
  if (size === 0)
    return { edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }, totalCount };

  const window = {
    after: after === undefined ? undefined : placeOf(after),
    before: before === undefined ? undefined : placeOf(before),
    order: first === undefined ? ("asc" as const) : ("desc" as const),
    limit: size + 1,
  };
  const found = (await Promise.all(parts.map((part) => placesOf(read, part, window)))).flat();
  const unique = [...new Map(found.map((place) => [place.id, place])).values()];
  const sign = window.order === "asc" ? 1 : -1;
  const places = unique.toSorted((a, b) => sign * (a.at - b.at || (a.id < b.id ? -1 : 1)));
  const page = places.slice(0, size);
  const rows = new Map(
    (
      await scope.rowsById(
        Interrupt,
        page.map(({ id }) => id),
      )
    ).map((row) => [row.id, row]),
  );
  const edges = (first === undefined ? page.toReversed() : page).flatMap((place) => {
    const node = rows.get(place.id);
    return node ? [{ node, cursor: cursorOf(place) }] : [];
  });
  const more = places.length > size;
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

function partsOf({ viewer }: Scope, { statuses, kinds }: MineFilter): Part[] {
  const { tenantId, actorId } = viewer;
  const ofKinds = kinds ? ` and i.kind in (${kinds.map(() => "?").join(", ")})` : "";
  const own = statuses.map((status) => ({
    text: `select i.id as id, i.created_at as at from runs_interrupt i where i.tenant_id = ? and i.owner_id = ? and i.status = ?${ofKinds}`,
    params: [tenantId, actorId, status, ...(kinds ?? [])],
    id: "i.id",
    at: "i.created_at",
  }));
  const join = kinds ? ` cross join runs_interrupt i on i.id = a.interrupt_id${ofKinds}` : "";
  const granted = principalsOf(viewer).flatMap((principal) =>
    statuses.map((status) => ({
      text: `select a.interrupt_id as id, a.created_at as at from runs_approver a${join} where a.tenant_id = ? and a.principal = ? and a.status = ?`,
      params: [...(kinds ?? []), tenantId, principal, status],
      id: "a.interrupt_id",
      at: "a.created_at",
    })),
  );
  return [...own, ...granted];
}

interface PlaceWindow {
  readonly after: Place | undefined;
  readonly before: Place | undefined;
  readonly order: "asc" | "desc";
  readonly limit: number;
}

function placesOf(read: Sql, { text, params, id, at }: Part, { after, before, order, limit }: PlaceWindow): Promise<Place[]> {
  const bounds = [
    ...(after ? [{ sql: ` and ${at} <= ? and (${at}, ${id}) < (?, ?)`, place: after }] : []),
    ...(before ? [{ sql: ` and ${at} >= ? and (${at}, ${id}) > (?, ?)`, place: before }] : []),
  ];
  return read.all<{ id: string; at: number }>(
    `${text}${bounds.map(({ sql }) => sql).join("")} order by ${at} ${order}, ${id} ${order} limit ?`,
    ...params,
    ...bounds.flatMap(({ place }) => [place.at, place.at, place.id]),
    limit,
  );
}

/** How many there are; null beyond {@link mostCounted}. */
async function count(read: Sql, parts: readonly Part[]): Promise<number | null> {
  const ids = new Set<string>();
  for (const { text, params } of parts) {
    for (const { id } of await read.all<{ id: string }>(`${text} limit ?`, ...params, mostCounted + 1)) ids.add(id);
    if (ids.size > mostCounted) return null;
  }
  return ids.size;
}

const cursorOf = ({ at, id }: Place): string => Buffer.from(JSON.stringify([at, id])).toString("base64url");

function placeOf(cursor: string): Place {
  try {
    const [at, id, ...rest] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as readonly unknown[];
    if (Number.isSafeInteger(at) && typeof id === "string" && !id.includes("\0") && rest.length === 0) return { at: at as number, id };
  } catch {
    // Not JSON, or no list: the same answer as for a cursor of another list.
  }
  throw new WeftlineError("INVALID_CURSOR", { cursor: JSON.stringify(cursor.slice(0, 60)) });
}
