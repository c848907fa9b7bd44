import { WholeCharacters } from "#weftline";
import { Parts, type AnswerPiece } from "../answer.ts";

/** Makes pieces of what a reader reads: parts are numbered as they appear, and characters are whole. */
export class Pieces {
  readonly #parts = new Parts();
  readonly #open = new Map<string, { readonly characters: WholeCharacters; readonly kind: "TEXT" | "REASONING" | "arguments" }>();

  text(key: string, channel: "TEXT" | "REASONING", text: string): AnswerPiece[] {
    const whole = this.#whole(key, channel, text);
    return whole === "" ? [] : [{ kind: "text", part: this.#parts.open(key).part, channel, text: whole }];
  }

  call(key: string, callId: string, name: string): AnswerPiece {
    return { kind: "call", part: this.#parts.open(key).part, callId: callId.toWellFormed(), name: name.toWellFormed() };
  }

  arguments(key: string, text: string): AnswerPiece[] {
    const whole = this.#whole(key, "arguments", text);
    return whole === "" ? [] : [{ kind: "arguments", part: this.#parts.open(key).part, text: whole }];
  }

  partOf(key: string): number {
    return this.#parts.open(key).part;
  }

  /** Halves of characters that nothing completed. */
  rest(): AnswerPiece[] {
    return [...this.#open].flatMap(([key, { characters, kind }]) => {
      const text = characters.end();
      if (text === "") return [];
      return kind === "arguments" ? this.arguments(key, text) : this.text(key, kind, text);
    });
  }

  #whole(key: string, kind: "TEXT" | "REASONING" | "arguments", text: string): string {
    const known = this.#open.get(key);
    if (known) return known.characters.next(text);
    if (text.isWellFormed()) return text;
    const characters = new WholeCharacters();
    this.#open.set(key, { characters, kind });
    return characters.next(text);
  }
}
