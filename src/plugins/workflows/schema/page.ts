import { pageArgs } from "#weftline";

/** The arguments of a list that is paged forwards only. */
export function pageForward(t: Parameters<typeof pageArgs>[0]) {
  const { first, after } = pageArgs(t);
  return { first, after };
}
