import type { AnswerPiece } from "../../answer.ts";
import type { Pieces } from "../pieces.ts";
import { beyond, spoken, type Spoken } from "../text.ts";

type Channel = Spoken["channel"];

/** Where a text stands in an answer made of items. */
export interface TextPlace {
  readonly item: number;
  readonly kind: "text" | "reasoning" | "summary";
  readonly part: unknown;
}

/** A text as it came so far, or as an end repeats it. */
interface ItemText {
  readonly key: string;
  readonly item: number;
  readonly channel: Channel;
  text: string;
}

/**
 * The texts of one answer as they came, so that an end, which repeats them, adds only what was left out. Ends are of a part, an item or the answer,
 * and do not always name a part as its deltas did.
 */
export class ItemTexts {
  readonly #pieces: Pieces;
  readonly #heard = new Map<string, ItemText>();
  readonly #heardOfItem = new Map<number, ItemText[]>();

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  /** More of a part. */
  more(place: TextPlace, content: unknown): AnswerPiece[] {
    // Most come as a text: nothing is made on the way.
    if (typeof content === "string") return this.#add(keyOf(place), place.item, channelOf(place), content);
    return textsAt(place, content).flatMap(({ key, item, channel, text }) => this.#add(key, item, channel, text));
  }

  /** All of a part. */
  part(place: TextPlace, content: unknown): AnswerPiece[] {
    return joined(textsAt(place, content)).flatMap(({ key, item, channel, text }) => {
      const known = this.#heard.get(key);
      if (known) return this.#add(key, item, channel, beyond(known.text, text));
      // Its deltas may have named another part.
      return wordsOf(this.#heardOf(channel, item)).endsWith(text) ? [] : this.#add(key, item, channel, text);
    });
  }

  /** All parts of an item, or of the answer. */
  whole(parts: readonly (readonly [place: TextPlace, content: unknown])[], item?: number): AnswerPiece[] {
    const told = joined(parts.flatMap(([place, content]) => textsAt(place, content)));
    return (["REASONING", "TEXT"] as const).flatMap((channel) =>
      this.#rest(
        told.filter((each) => each.channel === channel),
        this.#heardOf(channel, item),
      ),
    );
  }

  has(channel: Channel): boolean {
    return this.#heardOf(channel).length > 0;
  }

  #rest(told: readonly ItemText[], heard: readonly ItemText[]): AnswerPiece[] {
    const toldOf = new Map(told.map(({ key, text }) => [key, text]));
    const isByPart = heard.every(({ key, text }) => toldOf.get(key)?.startsWith(text));
    const add = ({ key, item, channel }: ItemText, text: string): AnswerPiece[] => this.#add(key, item, channel, text);
    if (isByPart) return told.flatMap((each) => add(each, beyond(this.#heard.get(each.key)?.text ?? "", each.text)));
    // Deltas and end number the parts differently: only the order of the words counts.
    const pieces: AnswerPiece[] = [];
    let left = wordsOf(heard);
    for (const each of told) {
      if (left.startsWith(each.text)) left = left.slice(each.text.length);
      else if (each.text.startsWith(left)) {
        pieces.push(...add(each, each.text.slice(left.length)));
        left = "";
      } else break;
    }
    return pieces;
  }

  #add(key: string, item: number, channel: Channel, text: string): AnswerPiece[] {
    if (text === "") return [];
    const known = this.#heard.get(key);
    if (known) known.text += text;
    else this.#hear({ key, item, channel, text });
    return this.#pieces.text(key, channel, text);
  }

  #hear(text: ItemText): void {
    this.#heard.set(text.key, text);
    const ofItem = this.#heardOfItem.get(text.item);
    if (ofItem) ofItem.push(text);
    else this.#heardOfItem.set(text.item, [text]);
  }

  #heardOf(channel: Channel, item?: number): ItemText[] {
    const heard = item === undefined ? [...this.#heard.values()] : (this.#heardOfItem.get(item) ?? []);
    return heard.filter((each) => each.channel === channel);
  }
}

function channelOf({ kind }: TextPlace): Channel {
  return kind === "text" ? "TEXT" : "REASONING";
}

function keyOf({ item, kind, part }: TextPlace): string {
  return `${item}/${kind}/${typeof part === "number" ? part : 0}`;
}

function textsAt(place: TextPlace, content: unknown): ItemText[] {
  const [key, own, { item }] = [keyOf(place), channelOf(place), place];
  return spoken(content, own).map(({ channel, text }) => ({ key: channel === own ? key : `${key}/${channel}`, item, channel, text }));
}

/** Texts of one key as one. */
function joined(texts: readonly ItemText[]): ItemText[] {
  const byKey = new Map<string, ItemText>();
  for (const each of texts) {
    const known = byKey.get(each.key);
    if (known) known.text += each.text;
    else byKey.set(each.key, { ...each });
  }
  return [...byKey.values()];
}

function wordsOf(texts: readonly ItemText[]): string {
  return texts.map(({ text }) => text).join("");
}
