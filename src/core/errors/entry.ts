/**
 * What sort of failure a code is. It decides the GraphQL type that a mutation answers with and whether a client may see the message:
 * `internal` is masked.
 */
export type ErrorKind =
  | "boot"
  | "input"
  | "notFound"
  | "conflict"
  | "forbidden"
  | "unauthenticated"
  | "unavailable"
  | "rateLimited"
  | "budget"
  | "internal";

/** One code of the catalogue. */
export interface CodeEntry {
  readonly kind: ErrorKind;
  /** Default message; `{name}` is replaced from the details. */
  readonly says: string;
  /** What the reader can do about it. */
  readonly fix: string;
}

export const entry = (kind: ErrorKind, says: string, fix: string): CodeEntry => ({ kind, says, fix });
