import type { DocumentNode } from "graphql";

const capacity = 1_000;
const longestText = 20_000;

/** Parsed documents by their text: those used last, and none of great length, so that no caller fills the memory. */
export class DocumentCache {
  readonly #documents = new Map<string, DocumentNode>();

  get(text: string): DocumentNode | undefined {
    const found = this.#documents.get(text);
    if (found) this.#keep(text, found);
    return found;
  }

  set(text: string, document: DocumentNode): void {
    if (text.length > longestText) return;
    this.#keep(text, document);
    const [oldest] = this.#documents.keys();
    if (this.#documents.size > capacity && oldest !== undefined) this.#documents.delete(oldest);
  }

  #keep(text: string, document: DocumentNode): void {
    this.#documents.delete(text);
    this.#documents.set(text, document);
  }
}
