import { fieldsOf, words, type Fields } from "../text.ts";

/**
 * Which item of an answer an event is about: by its index; where it has none, by the item's id; and where that is not known either, the one that
 * was begun last.
 */
export class ItemPlaces {
  readonly #byId = new Map<string, number>();
  #open: number | undefined;
  #next = 0;

  /** Of an event that begins an item. */
  added(event: Fields): number {
    return this.#begin(event["output_index"], fieldsOf(event["item"])["id"]);
  }

  /** Of an event within an item. */
  of({ output_index: index, item_id: id }: Fields): number {
    if (typeof index === "number") return index;
    return this.#byId.get(words(id)) ?? this.#open ?? this.#begin(undefined, id);
  }

  /** Of an event that ends an item. */
  done(event: Fields): number {
    const { id } = fieldsOf(event["item"]);
    const item = this.of({ output_index: event["output_index"], item_id: id });
    if (this.#open === item) this.#open = undefined;
    return item;
  }

  #begin(index: unknown, id: unknown): number {
    const item = typeof index === "number" ? index : this.#next;
    this.#next = Math.max(this.#next, item + 1);
    this.#open = item;
    if (words(id) !== "") this.#byId.set(words(id), item);
    return item;
  }
}
