import { WeftlineError } from "#weftline";

const [quote, backslash] = [0x22, 0x5c];
const opening = new Set([0x5b, 0x7b]);
const closing = new Set([0x5d, 0x7d]);
const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const comma = 0x2c;

/** How deep a value may nest. */
const mostDepth = 200;

/** An element as text, or why it was passed over. */
export type ArrayElement = { readonly text: string } | { readonly problem: string };

/**
 * The elements of a JSON array, one after the other: only one is in memory at a time. What an element holds is not looked at.
 *
 * @param most bytes of one element; a longer one is passed over, as is one that nests too deep.
 * @throws INVALID_INPUT where there is no array, or where it ends before its end.
 */
export async function* arrayElements(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<ArrayElement> {
  const scan = new Scan(most);
  for await (const chunk of chunks) yield* scan.take(chunk);
  if (scan.state !== "ended") throw invalid(scan.state === "before" ? "It is no JSON array." : "It ends in the middle of the array.");
}

class Scan {
  state: "before" | "inside" | "ended" = "before";
  readonly #most: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #depth = 0;
  #deepest = 0;
  #inString = false;
  #escaped = false;

  constructor(most: number) {
    this.#most = most;
  }

  *take(chunk: Uint8Array): Generator<ArrayElement> {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (this.#inString) this.#inText(byte);
      else if (this.state !== "inside") from = this.#outside(byte, at);
      else if (byte === quote) this.#inString = true;
      else if (opening.has(byte)) this.#deepest = Math.max(this.#deepest, ++this.#depth);
      else if (closing.has(byte) && this.#depth > 0) this.#depth--;
      else if (this.#depth === 0 && (byte === comma || closing.has(byte))) {
        this.#keep(chunk.subarray(from, at));
        from = at + 1;
        yield* this.#element(byte);
      }
    }
    if (this.state === "inside") this.#keep(chunk.subarray(from));
  }

  #inText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) this.#inString = false;
  }

  /** Before the array a mark of the byte order and space may stand, behind it space. @returns where the first element begins. */
  #outside(byte: number, at: number): number {
    if (space.has(byte) || (this.state === "before" && [0xef, 0xbb, 0xbf].includes(byte))) return at + 1;
    if (this.state === "ended" || byte !== 0x5b)
      throw invalid(this.state === "ended" ? "Something follows the array." : "It is no JSON array.");
    this.state = "inside";
    return at + 1;
  }

  #keep(part: Uint8Array): void {
    this.#bytes += part.length;
    // A chunk may be overwritten by the next.
    if (this.#bytes <= this.#most) this.#parts.push(Uint8Array.from(part));
    else this.#parts = [];
  }

  *#element(end: number): Generator<ArrayElement> {
    const [parts, bytes, deepest] = [this.#parts, this.#bytes, this.#deepest];
    [this.#parts, this.#bytes, this.#deepest] = [[], 0, 0];
    if (end !== comma) this.state = "ended";
    if (bytes > this.#most) yield { problem: `it has more than ${this.#most} bytes` };
    else if (deepest > mostDepth) yield { problem: `it nests deeper than ${mostDepth} levels` };
    else {
      const text = Buffer.concat(parts).toString("utf8");
      if (text.trim() !== "") yield { text };
    }
  }
}

function invalid(message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message, fix: "Name the whole file as it was exported." });
}
