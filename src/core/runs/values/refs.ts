import { hash } from "node:crypto";
import { setOwn } from "../../json/plain.ts";
import { hasSizeWithin, sizeOf } from "../../json/size.ts";

/** What has more characters of JSON than this, escapes not counted, stands once in its stream. */
export const mostInline = 64 * 1024;

/** Where a value belongs in its document, and the hash of the row that holds it. */
type ValueRef = readonly [path: readonly (string | number)[], hash: string];

/**
 * The values that are missing from a document, since they stand apart. They are kept beside the document, never within it: whatever a document holds
 * is data.
 */
export type ValueRefs = readonly ValueRef[];

/** A document as its row keeps it: null wherever something of it stands apart. */
export interface SharedDocument {
  readonly document: unknown;
  /** Absent where the document is whole. */
  readonly refs?: ValueRefs;
}

/** A value that stands apart. It may itself be without parts of it. */
export interface StoredValue {
  readonly hash: string;
  /** JSON. */
  readonly text: string;
  /** JSON of its {@link ValueRefs}; null where it is whole. */
  readonly refs: string | null;
}

/** What is left of a value without its large parts, which stand at these places, and how large that is. */
interface Taken {
  readonly left: unknown;
  readonly refs: ValueRefs;
  readonly size: number;
}

/** A part of which something stands apart, and its key. */
type Changed = readonly [key: string | number, taken: Taken];

const noRefs: ValueRefs = [];

/** Collects what stands apart of some documents, each value once. */
export class SharedValues {
  readonly #values = new Map<string, StoredValue>();

  get all(): readonly StoredValue[] {
    return [...this.#values.values()];
  }

  /**
   * Takes out of a document what is large. The smallest large parts are taken out first, so that a value is the same row wherever it stands: by itself, as
   * a member, as an item.
   *
   * @param document as JSON has it.
   */
  take(document: unknown): SharedDocument {
    if (hasSizeWithin(document, mostInline)) return { document };
    const { left, refs } = this.#taken(document);
    return { document: left, refs };
  }

  /** Looks at each part once, however deep it stands: the size of a whole is that of its parts. */
  #taken(value: unknown): Taken {
    if (typeof value !== "object" || value === null) return this.#inlined(value, noRefs, sizeOf(value));
    const changed: Changed[] = [];
    let size = 2;
    if (Array.isArray(value)) for (let at = 0; at < value.length; at++) size += 1 + this.#part(value[at], at, changed);
    else for (const [name, member] of Object.entries(value)) size += name.length + 4 + this.#part(member, name, changed);
    if (changed.length === 0) return this.#inlined(value, noRefs, size);
    const left: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
    for (const [key, taken] of changed) putInto(left, key, taken.left);
    const refs = changed.flatMap(([key, taken]) => taken.refs.map(([rest, of]): ValueRef => [[key, ...rest], of]));
    return this.#inlined(left, refs, size);
  }

  /** @returns the size of what is left of a part. */
  #part(member: unknown, key: string | number, changed: Changed[]): number {
    const isSmall = typeof member === "string" ? member.length < mostInline / 2 : typeof member !== "object" || member === null;
    if (isSmall) return sizeOf(member);
    const taken = this.#taken(member);
    if (taken.refs.length > 0) changed.push([key, taken]);
    return taken.size;
  }

  /** What is left of a value, or where that is still large, the name of what it is kept as. */
  #inlined(left: unknown, refs: ValueRefs, size: number): Taken {
    return size <= mostInline ? { left, refs, size } : { left: null, refs: [[[], this.#store(left, refs)]], size: sizeOf(null) };
  }

  #store(left: unknown, refs: ValueRefs): string {
    const text = JSON.stringify(left);
    const refsText = refs.length === 0 ? null : JSON.stringify(refs);
    const name = hash("sha256", refsText === null ? text : `${text}\0${refsText}`, "base64url");
    this.#values.set(name, { hash: name, text, refs: refsText });
    return name;
  }
}

/** How many characters the row of a value takes, about. */
export function sizeOfStored({ text, refs }: StoredValue): number {
  return text.length + (refs?.length ?? 0) + 64;
}

/** Reads the row of a value. */
export type ReadValue = (hash: string) => Promise<Pick<StoredValue, "text" | "refs">>;

/** A document with all that stands apart of it. */
export async function wholeDocument({ document, refs }: SharedDocument, read: ReadValue): Promise<unknown> {
  return refs === undefined ? document : new Filling(read).fill(structuredClone(document), refs);
}

/** Reads each value once, whatever places it belongs to. */
class Filling {
  readonly #read: ReadValue;
  readonly #values = new Map<string, unknown>();

  constructor(read: ReadValue) {
    this.#read = read;
  }

  /** @param document that may be changed. */
  async fill(document: unknown, refs: ValueRefs): Promise<unknown> {
    let filled = document;
    for (const [path, name] of refs) {
      const value = await this.#valueOf(name);
      const last = path.at(-1);
      if (last === undefined) filled = value;
      else putInto(path.slice(0, -1).reduce<unknown>(memberOf, filled), last, value);
    }
    return filled;
  }

  async #valueOf(name: string): Promise<unknown> {
    if (this.#values.has(name)) return this.#values.get(name);
    const { text, refs } = await this.#read(name);
    const left: unknown = JSON.parse(text);
    const value = refs === null ? left : await this.fill(left, JSON.parse(refs) as ValueRefs);
    this.#values.set(name, value);
    return value;
  }
}

function memberOf(holder: unknown, key: string | number): unknown {
  return (holder as Readonly<Record<string | number, unknown>>)[key];
}

function putInto(holder: unknown, key: string | number, value: unknown): void {
  if (typeof key === "number") (holder as unknown[])[key] = value;
  else setOwn(holder as Record<string, unknown>, key, value);
}
