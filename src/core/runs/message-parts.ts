import { WholeCharacters } from "../json/characters.ts";
import type { StoredPart } from "./entities/message.ts";

/** Text of a part that the log has to be told. */
export interface MoreText {
  readonly part: number;
  readonly channel: "TEXT" | "REASONING";
  readonly text: string;
}

type OpenPart = { readonly type: "text" | "reasoning"; text: string } | { readonly type: "toolCall"; readonly call: number };

/** The parts of a message that is being written. Text stands here once the log has taken it. */
export class MessageParts {
  readonly #parts = new Map<number, OpenPart>();
  /** Where halves of characters were seen. */
  readonly #joined = new Map<number, { readonly channel: MoreText["channel"]; readonly characters: WholeCharacters }>();

  /** The whole characters of a delta; half of one waits for the next. */
  whole({ part, channel, text }: MoreText): string {
    const known = this.#joined.get(part);
    if (known) return known.characters.next(text);
    if (text.isWellFormed()) return text;
    const characters = new WholeCharacters();
    this.#joined.set(part, { channel, characters });
    return characters.next(text);
  }

  take({ part, channel, text }: MoreText): void {
    const known = this.#parts.get(part);
    if (known === undefined) this.#parts.set(part, { type: channel === "TEXT" ? "text" : "reasoning", text });
    else if (known.type !== "toolCall") known.text += text;
  }

  takeCall(part: number, call: number): void {
    this.#parts.set(part, { type: "toolCall", call });
  }

  /** What still waits for its other half, as it is said in the end. */
  rest(): MoreText[] {
    const all = [...this.#joined].map(([part, { channel, characters }]) => ({ part, channel, text: characters.end() }));
    return all.filter(({ text }) => text !== "");
  }

  /** The parts in order, as a row keeps them. */
  stored(): StoredPart[] {
    return [...this.#parts].toSorted(([a], [b]) => a - b).map(([, open]): StoredPart => ({ ...open }));
  }
}
