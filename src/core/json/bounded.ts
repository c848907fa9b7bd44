import { plainJson } from "./plain.ts";

/** A small value counts as up to so many times its length before it is written. */
const overcount = 5;

/** A copy of a value, and its JSON; no text where that is too long. */
export interface BoundedJson {
  readonly value: unknown;
  readonly text: string | undefined;
}

/**
 * Copies a value as {@link plainJson} does, whole or not at all. Of one that is far too long it does not look at the rest.
 *
 * @param mostBytes of its JSON, as UTF-8.
 * @throws INVALID_INPUT for what is no JSON.
 */
export function boundedJson(given: unknown, mostBytes: number): BoundedJson {
  const { value, cut } = plainJson(given, mostBytes * overcount);
  const text = cut ? undefined : JSON.stringify(value);
  return { value, text: text !== undefined && Buffer.byteLength(text) <= mostBytes ? text : undefined };
}
