import type { AnswerPiece } from "../answer.ts";
import { JsonExtent } from "./json-extent.ts";
import type { Pieces } from "./pieces.ts";
import { words, type Fields } from "./text.ts";

/** A fragment of a call, as a provider sends it. */
export interface CallFragment {
  /** Which call of the answer it belongs to; some servers give all the same, or none. */
  readonly index: unknown;
  readonly id?: unknown;
  readonly name?: unknown;
  /** More JSON text, or the value itself. */
  readonly arguments?: unknown;
  /** What else came with the call: it goes back with it. */
  readonly extras?: Fields;
}

interface OpenCall {
  readonly key: string;
  id: string;
  name: string;
  /** Whether the call was told of; that waits for its name. */
  begun: boolean;
  /** Arguments that were not told yet. */
  waiting: string;
  written: string;
  extent: JsonExtent;
  extras: Fields;
}

const placeholder = "{}";

/**
 * Puts the calls of one answer together. A new id with a name begins a call, and so does a new name, or complete JSON followed by more; an id
 * without a name continues one. Names may come late, and arguments may come as objects.
 */
export class CallAssembler {
  readonly #pieces: Pieces;
  readonly #calls: OpenCall[] = [];
  /** The call that fragments with this index belong to now. */
  readonly #current = new Map<unknown, OpenCall>();

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  get count(): number {
    return this.#calls.length;
  }

  has(id: string): boolean {
    return this.#calls.some((call) => call.id === id);
  }

  /** What came with each call besides, by the call's part. */
  get extras(): Readonly<Record<number, Fields>> {
    const known = this.#calls.filter(({ extras }) => Object.keys(extras).length > 0);
    return Object.fromEntries(known.map(({ key, extras }) => [this.#pieces.partOf(key), extras]));
  }

  /** What of a call's arguments was written, as it came. */
  written(index: unknown): string {
    return this.#current.get(index)?.written ?? "";
  }

  add(fragment: CallFragment): AnswerPiece[] {
    const { index } = fragment;
    const id = words(fragment.id);
    const name = words(fragment.name).trim();
    const text = argumentsText(fragment.arguments);
    const known = this.#find(index, id, name);
    const call = known && !begins(known, id, name, text) ? known : this.#open(index);
    this.#current.set(index, call);
    call.id ||= id;
    call.name ||= name;
    if (fragment.extras) call.extras = { ...call.extras, ...fragment.extras };
    const pieces = this.#begin(call);
    return isRepeated(call, id, text) ? pieces : [...pieces, ...this.#write(call, index, text)];
  }

  /** What was held back: calls whose name never came, and arguments that might have been a placeholder. */
  rest(): AnswerPiece[] {
    return this.#calls.flatMap((call) => {
      const begun = call.begun ? [] : [this.#pieces.call(call.key, call.id, call.name)];
      call.begun = true;
      return [...begun, ...this.#tell(call)];
    });
  }

  #find(index: unknown, id: string, name: string): OpenCall | undefined {
    const current = this.#current.get(index);
    if (id === "" || current?.id === id) return current;
    return this.#calls.findLast((call) => call.id === id && (name === "" || name === call.name)) ?? current;
  }

  #open(index: unknown, name = ""): OpenCall {
    const key = `call/${this.#calls.length}`;
    const call: OpenCall = { key, id: "", name, begun: false, waiting: "", written: "", extent: new JsonExtent(), extras: {} };
    this.#calls.push(call);
    this.#current.set(index, call);
    return call;
  }

  #begin(call: OpenCall): AnswerPiece[] {
    if (call.begun || call.name === "") return [];
    call.begun = true;
    return [this.#pieces.call(call.key, call.id, call.name), ...this.#tell(call)];
  }

  #write(first: OpenCall, index: unknown, text: string): AnswerPiece[] {
    const pieces: AnswerPiece[] = [];
    let call = first;
    for (let left = text; left !== "";) {
      const more = left.trimStart();
      if (call.extent.isComplete && /^[{[]/.test(more)) {
        // Some servers begin with an empty object and then send the arguments.
        if (isPlaceholder(call)) Object.assign(call, { written: "", waiting: "", extent: new JsonExtent() });
        else call = this.#open(index, call.name);
        pieces.push(...this.#begin(call));
        left = more;
      }
      const length = call.extent.isComplete ? left.length : call.extent.take(left);
      call.written += left.slice(0, length);
      call.waiting += left.slice(0, length);
      if (call.begun && !isPlaceholder(call)) pieces.push(...this.#tell(call));
      left = left.slice(length);
    }
    return pieces;
  }

  #tell(call: OpenCall): AnswerPiece[] {
    const text = call.waiting;
    call.waiting = "";
    return this.#pieces.arguments(call.key, text);
  }
}

/** Looks at the text only once it is complete: at every fragment, long arguments would cost their length each time. */
function isPlaceholder({ extent, written }: OpenCall): boolean {
  return extent.isComplete && written.trim() === placeholder;
}

function begins(call: OpenCall, id: string, name: string, text: string): boolean {
  const isNewId = id !== "" && call.id !== "" && id !== call.id;
  if (name === "") return false;
  if (call.name === "") return isNewId && call.written !== "";
  if (isNewId) return true;
  const goesOn = call.extent.isComplete && text.trim() !== "";
  if (id !== "" && id === call.id) return goesOn && text !== call.written;
  return name !== call.name || goesOn;
}

/** A call that is sent whole once more, as some servers end an answer. */
function isRepeated(call: OpenCall, id: string, text: string): boolean {
  return id !== "" && id === call.id && call.extent.isComplete && text === call.written;
}

function argumentsText(given: unknown): string {
  if (typeof given === "string") return given;
  return given == null ? "" : (JSON.stringify(given) ?? "");
}
