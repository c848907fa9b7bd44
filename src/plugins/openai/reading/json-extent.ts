/** Finds where a JSON object or list ends in text that arrives in pieces. Whether it is valid JSON is not looked at. */
export class JsonExtent {
  #depth = 0;
  #inText = false;
  #escaped = false;
  #state: "before" | "within" | "complete" | "other" = "before";

  get isComplete(): boolean {
    return this.#state === "complete";
  }

  /** Takes more text. @returns how much of it belongs to the value */
  take(text: string): number {
    for (let at = 0; at < text.length; at++) {
      if (this.#state === "complete") return at;
      if (this.#state === "other") return text.length;
      this.#character(text.charAt(at));
    }
    return text.length;
  }

  #character(character: string): void {
    if (this.#inText) {
      if (this.#escaped) this.#escaped = false;
      else if (character === "\\") this.#escaped = true;
      else if (character === '"') this.#inText = false;
    } else if (character === "{" || character === "[") {
      this.#depth += 1;
      this.#state = "within";
    } else if (this.#state === "before") {
      if (character.trim() !== "") this.#state = "other";
    } else if (character === '"') this.#inText = true;
    else if (character === "}" || character === "]") {
      this.#depth -= 1;
      if (this.#depth === 0) this.#state = "complete";
    }
  }
}
