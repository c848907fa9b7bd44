import { defaultPageSize, pageWindow, type Page, type PageArgs } from "./connections.ts";

type Edge<T> = Page<T>["edges"][number];

/** A page that holds nothing, as where none of its rows are asked for. */
export function emptyPage<T>(totalCount: Page<T>["totalCount"]): Page<T> {
  return { edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }, totalCount };
}

/**
 * A page of rows that were queried with a limit of one more than it holds.
 *
 * @param found in the order of the query: from the end where the page is counted from there.
 * @param edgeOf nothing for a row that is gone since.
 */
export function pageOfFound<Found, T>(
  args: PageArgs,
  found: readonly Found[],
  edgeOf: (found: Found) => Edge<T> | undefined,
  totalCount: Page<T>["totalCount"],
): Page<T> {
  const { first, last, after, before } = pageWindow(args);
  const size = first ?? last ?? defaultPageSize;
  const taken = found.slice(0, size);
  const edges = (first === undefined ? taken.toReversed() : taken).flatMap((each) => edgeOf(each) ?? []);
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
