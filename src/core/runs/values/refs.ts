import { hash } from "node:crypto";
import { setOwn } from "../../json/plain.ts";
import { hasSizeWithin } from "../../json/size.ts";

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
    const { left, refs } = this.#without(document, []);
    if (hasSizeWithin(left, mostInline)) return { document: left, refs };
    return { document: null, refs: [[[], this.#store(left, refs)]] };
  }

  /** What is left of a large value without its large parts, which stand at these places. */
  #without(value: unknown, path: ValueRef[0]): { readonly left: unknown; readonly refs: ValueRefs } {
    if (typeof value !== "object" || value === null) return { left: value, refs: [] };
    const refs: ValueRef[] = [];
    const shared = (member: unknown, key: string | number): unknown => {
      const { document, refs: within = [] } = this.take(member);
      for (const [rest, of] of within) refs.push([[...path, key, ...rest], of]);
      return document;
    };
    if (Array.isArray(value)) return { left: value.map(shared), refs };
    const left: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) setOwn(left, name, shared(member, name));
    return { left, refs };
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
