const replacement = "\uFFFD";

/** How many characters a text has: code points, as in JSON Schema, so that an emoji is no two. */
export function characterCount(text: string): number {
  let count = text.length;
  for (let at = 0; at < text.length - 1; at++) {
    if (!isHigh(text.charCodeAt(at)) || !isLow(text.charCodeAt(at + 1))) continue;
    count -= 1;
    at += 1;
  }
  return count;
}

/** Whether a text has more characters than that. What is far longer is not counted. */
export function isLonger(text: string, most: number): boolean {
  if (text.length <= most) return false;
  return text.length > 2 * most || characterCount(text) > most;
}

/** The first characters of a text, none of them cut in half. */
export function firstCharacters(text: string, most: number): string {
  if (text.length <= most) return text;
  let end = 0;
  for (let count = 0; count < most && end < text.length; count++)
    end += isHigh(text.charCodeAt(end)) && isLow(text.charCodeAt(end + 1)) ? 2 : 1;
  return text.slice(0, end);
}

/** Whether a text shows nothing: white space, control and format characters, and what Unicode has programs ignore. A blank of Braille is one, too. */
export function isBlank(text: string): boolean {
  return !/[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u.test(text);
}

/**
 * The rule of a text of some characters, as zod's `superRefine` takes it. One of a character or more has a visible one.
 *
 * @param empty what is said of a text without a visible character.
 * @example z.string().trim().superRefine(characters(1, 200))
 */
export function characters(
  min: number,
  max: number,
  empty = "Write at least one visible character.",
): (text: string, refinement: { addIssue(problem: string): void }) => void {
  return (text, refinement) => {
    if (characterCount(text) < min && min > 1) refinement.addIssue(`At least ${min} characters.`);
    else if (min > 0 && isBlank(text)) refinement.addIssue(empty);
    else if (isLonger(text, max)) refinement.addIssue(`At most ${max} characters.`);
  };
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

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
