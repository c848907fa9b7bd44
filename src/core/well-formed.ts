const replacement = "\uFFFD";

/**
 * A JSON value with U+FFFD wherever a text holds half a character: stores and strict servers refuse halves, and they cannot be hashed.
 *
 * @returns the value itself where nothing is wrong with it.
 */
export function wellFormed<Value>(value: Value): Value {
  if (typeof value === "string") return (value.isWellFormed() ? value : value.toWellFormed()) as Value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(wellFormed);
    return items.every((item, index) => item === value[index]) ? value : (items as Value);
  }
  const entries = Object.entries(value);
  const whole = entries.map(([key, each]) => [wellFormed(key), wellFormed(each)] as const);
  const isSame = whole.every(([key, each], index) => key === entries[index]?.[0] && each === entries[index]?.[1]);
  return isSame ? value : (Object.fromEntries(whole) as Value);
}

/** Joins text that arrives in pieces: half a character at the end of one piece waits for the next. */
export class WholeCharacters {
  #half = "";

  /** What is known to be whole so far, U+FFFD in place of halves that nothing completes. */
  next(piece: string): string {
    if (this.#half === "" && piece.isWellFormed()) return piece;
    const text = this.#half + piece;
    const cut = isHigh(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length;
    this.#half = text.slice(cut);
    return text.slice(0, cut).toWellFormed();
  }

  /** What is left at the end: U+FFFD for a half that still waits, or nothing. */
  end(): string {
    const rest = this.#half === "" ? "" : replacement;
    this.#half = "";
    return rest;
  }
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
