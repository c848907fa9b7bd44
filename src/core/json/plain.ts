import { isBoxedPrimitive } from "node:util/types";
import { WeftlineError } from "../errors.ts";

/** How deep a JSON value may nest: what reads it may recurse. */
export const maxJsonDepth = 100;

type ShownText = (text: string, key: string, holder: object | undefined) => string;

/** A copy of a value, as JSON has it. */
export interface PlainJson {
  readonly value: unknown;
  /** Its length as JSON text, escapes not counted. */
  readonly length: number;
  /** Whether something was left out for being too long. */
  readonly cut: boolean;
}

/**
 * Copies a value as it would come back from JSON, with two differences: half a character becomes U+FFFD, and what JSON has no word for is refused
 * rather than dropped without a word. Keys named `__proto__` stay keys.
 *
 * @param most characters of JSON; what is behind them is left out, and not looked at.
 * @param shown what becomes of a text before it is counted, by its key and what holds it.
 * @throws INVALID_INPUT for an infinite number, a bigint, a circle, or more than {@link maxJsonDepth} levels.
 */
export function plainJson(value: unknown, most = Number.POSITIVE_INFINITY, shown: ShownText = (text) => text): PlainJson {
  const copy = new Copy(most, shown);
  const made = copy.of(value, "", 0);
  return { value: made === undefined ? null : made, length: copy.length, cut: copy.cut };
}

function noJson(problem: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message: `The value ${problem}, so it is no JSON.` });
}

/** A text that every store, hash and provider takes: half a character and NUL become U+FFFD. */
export function plainText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed();
  return whole.includes("\0") ? whole.replaceAll("\0", "\uFFFD") : whole;
}

class Copy {
  length = 0;
  cut = false;
  readonly #most: number;
  readonly #shown: ShownText;
  readonly #above = new Set<object>();

  constructor(most: number, shown: ShownText) {
    this.#most = most;
    this.#shown = shown;
  }

  /** @returns undefined for what JSON leaves out. */
  of(given: unknown, key: string, depth: number, holder?: object): unknown {
    if (ArrayBuffer.isView(given)) return this.#text(`[${given.byteLength} bytes: left out, since they are no text]`);
    const value = hasOwnJson(given) ? given.toJSON(key) : given;
    switch (typeof value) {
      case "string":
        return this.#text(this.#shown(value, key, holder));
      case "number":
        if (!Number.isFinite(value)) throw noJson(`holds ${value}${this.#place(key)}`);
        this.length += 8;
        return value;
      case "bigint":
        throw noJson(`holds a bigint${this.#place(key)}`);
      case "boolean":
        this.length += 5;
        return value;
      case "object":
        return value === null ? this.#nothing() : this.#inner(value, key, depth);
      default:
        return undefined;
    }
  }

  #nothing(): null {
    this.length += 4;
    return null;
  }

  #text(text: string): string {
    const room = this.#most - this.length - 2;
    this.length += text.length + 2;
    if (text.length <= room) return plainText(text);
    this.cut = true;
    return plainText(text.slice(0, Math.max(0, room)));
  }

  #inner(value: object, key: string, depth: number): unknown {
    if (isBoxedPrimitive(value)) return this.of(value.valueOf(), key, depth);
    if (depth === maxJsonDepth) throw noJson(`nests deeper than ${maxJsonDepth} levels`);
    if (this.#above.has(value)) throw noJson(`holds itself${this.#place(key)}`);
    this.#above.add(value);
    this.length += 2;
    const copy = Array.isArray(value) ? this.#items(value, depth) : this.#fields(value as Readonly<Record<string, unknown>>, depth);
    this.#above.delete(value);
    return copy;
  }

  #items(items: readonly unknown[], depth: number): unknown[] {
    const copy: unknown[] = [];
    for (let index = 0; index < items.length; index++) {
      if (this.#full()) break;
      this.length += 1;
      copy.push(this.of(items[index], String(index), depth + 1, items) ?? null);
    }
    return copy;
  }

  #fields(fields: Readonly<Record<string, unknown>>, depth: number): object {
    const copy: Record<string, unknown> = {};
    for (const name of Object.keys(fields)) {
      if (this.#full()) break;
      const value = this.of(fields[name], name, depth + 1, fields);
      if (value === undefined) continue;
      this.length += name.length + 4;
      setOwn(copy, plainText(name), value);
    }
    return copy;
  }

  #full(): boolean {
    if (this.length < this.#most) return false;
    this.cut = true;
    return true;
  }

  #place(key: string): string {
    return key === "" ? "" : ` at "${plainText(key.slice(0, 100))}"`;
  }
}

/** Sets a field, whatever its name is: an assignment to `__proto__` would set something else. */
export function setOwn(object: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
  else object[name] = value;
}

function hasOwnJson(value: unknown): value is { toJSON(key: string): unknown } {
  return typeof value === "object" && value !== null && "toJSON" in value && typeof value.toJSON === "function";
}
