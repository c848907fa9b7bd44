/** What a client sends of an operation, as most clients write it. */
const written = /^\{"id":"([^"\\]{1,128})","type":"(subscribe|complete)"/;

/** What to do with a message from the client. */
export type Incoming =
  | { readonly kind: "message"; readonly text: string }
  /** The id belongs to an operation that the client has not completed. */
  | { readonly kind: "taken"; readonly id: string };

/**
 * The operations of one socket. A client may use an id again as soon as it has completed it, while the operation before still ends here: so each
 * `subscribe` is one operation under a number of its own, and what a completed one still says reaches nobody.
 */
export class OperationIds {
  #last = 0;
  readonly #numbers = new Map<string, string>();
  readonly #ids = new Map<string, string>();

  /** Puts an operation's number in the place of its id. Anything else is left for the protocol to judge. */
  incoming(text: string): Incoming {
    const found = written.exec(text);
    if (found) {
      const [head, id = "", type = ""] = found;
      const number = this.#numberOf(id, type);
      return number === "taken"
        ? { kind: "taken", id }
        : { kind: "message", text: `{"id":"${number}","type":"${type}"${text.slice(head.length)}` };
    }
    const message = parsed(text);
    if (!message) return { kind: "message", text };
    const number = this.#numberOf(message.id, message.type);
    return number === "taken" ? { kind: "taken", id: message.id } : { kind: "message", text: JSON.stringify({ ...message, id: number }) };
  }

  /** Puts the client's id in the place of an operation's number. @returns nothing where the client has completed the operation. */
  outgoing(text: string): string | undefined {
    if (!text.startsWith('{"id":"')) return text;
    const end = text.indexOf('"', 7);
    const number = text.slice(7, end);
    const id = this.#ids.get(number);
    if (id === undefined) return undefined;
    const rest = text.slice(end + 1);
    if (rest.startsWith(',"type":"complete"') || rest.startsWith(',"type":"error"')) this.#forget(id, number);
    return `{"id":${JSON.stringify(id)}${rest}`;
  }

  /** The client's id of an operation that it has not completed. */
  idOf(number: string): string | undefined {
    return this.#ids.get(number);
  }

  #numberOf(id: string, type: string): string {
    const known = this.#numbers.get(id);
    if (type === "complete") {
      if (known !== undefined) this.#forget(id, known);
      return known ?? "0";
    }
    if (known !== undefined) return "taken";
    const number = String(++this.#last);
    this.#numbers.set(id, number);
    this.#ids.set(number, id);
    return number;
  }

  #forget(id: string, number: string): void {
    this.#numbers.delete(id);
    this.#ids.delete(number);
  }
}

function parsed(text: string): { readonly id: string; readonly type: string } | undefined {
  try {
    const message = JSON.parse(text) as { readonly id?: unknown; readonly type?: unknown } | null;
    if (typeof message?.id !== "string" || message.id === "") return undefined;
    return message.type === "subscribe" || message.type === "complete" ? { ...message, id: message.id, type: message.type } : undefined;
  } catch {
    return undefined;
  }
}
