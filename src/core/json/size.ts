/**
 * Whether a value has no more than so many characters as JSON. It looks at no more of it than that, so that what holds the same part many times
 * costs nothing.
 */
export function hasSizeWithin(value: unknown, most: number): boolean {
  return left(value, most) >= 0;
}

/** How many characters a value has as JSON, about: escapes are not counted. */
export function sizeOf(value: unknown): number {
  return value === undefined ? 0 : Number.MAX_SAFE_INTEGER - left(value, Number.MAX_SAFE_INTEGER);
}

/** What is left of a size behind a value; escapes are not counted. */
function left(value: unknown, size: number): number {
  if (typeof value === "string") return size - value.length - 2;
  if (ArrayBuffer.isView(value)) return size - value.byteLength;
  if (typeof value !== "object" || value === null) return size - String(value).length;
  let rest = size - 2;
  if (Array.isArray(value) || value instanceof Set) {
    for (const each of value) if ((rest = left(each, rest - 1)) < 0) break;
    return rest;
  }
  for (const [name, each] of value instanceof Map ? value : Object.entries(value)) if ((rest = left(each, left(name, rest - 2))) < 0) break;
  return rest;
}
