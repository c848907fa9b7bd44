import { WeftlineError } from "../errors.ts";

/** The graph's id of an object: opaque, typed, url-safe. It is a name, never a permission. */
export function globalId(typeName: string, id: string): string {
  return Buffer.from(`${typeName}:${id}`).toString("base64url");
}

/** The parts of a global id, or `undefined` where it is none. */
export function parseGlobalId(value: string): { typeName: string; id: string } | undefined {
  const text = Buffer.from(value, "base64url").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 1 || colon === text.length - 1 || text.includes("\0") || !/^[A-Za-z_]\w*$/.test(text.slice(0, colon))) return undefined;
  const parsed = { typeName: text.slice(0, colon), id: text.slice(colon + 1) };
  return globalId(parsed.typeName, parsed.id) === value ? parsed : undefined;
}

/**
 * The database id behind a global id of the expected type.
 *
 * @param path where the id stood in the arguments, for the error.
 * @throws INVALID_ID for anything else.
 */
export function localId(typeName: string, value: string, path: readonly string[] = ["id"]): string {
  const parsed = parseGlobalId(value);
  if (parsed?.typeName === typeName) return parsed.id;
  throw new WeftlineError("INVALID_ID", {
    path,
    message: parsed ? `This is the id of ${one(parsed.typeName)}, not of ${one(typeName)}.` : "This is not an id of this graph.",
    issues: [{ path, message: `Expected the id of ${one(typeName)}.` }],
  });
}

function one(typeName: string): string {
  return `${/^[AEIOU]/.test(typeName) ? "an" : "a"} ${typeName}`;
}

/** Like {@link localId}, but `undefined` for a malformed or foreign id: queries answer null for those and for missing objects alike. */
export function localIdOrNothing(typeName: string, value: string): string | undefined {
  const parsed = parseGlobalId(value);
  return parsed?.typeName === typeName ? parsed.id : undefined;
}
