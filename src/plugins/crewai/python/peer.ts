import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { messageOf } from "#weftline";

/** Who answers what the other side asks and says. */
export interface Listener {
  /** @returns the result of a request; one that never settles leaves the other side waiting. */
  asked(method: string, params: unknown): Promise<unknown>;
  told(method: string, params: unknown): void;
  /** The other side wrote what is no message, as one does that is ended while it writes; the connection is closed. */
  broken(): void;
}

/** The other side's answer to a request, where it is an error. */
export class RefusedByPeer extends Error {
  override readonly name = "RefusedByPeer";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** JSON-RPC 2.0, one object a line, in both directions over one connection. */
export class Peer {
  readonly #to: Writable;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>();
  #next = 0;

  constructor(from: Readable, to: Writable, listener: Listener) {
    this.#to = to;
    // A process that ends takes its pipes along; what comes of that is heard where its end is.
    to.on("error", () => undefined);
    from.on("error", () => undefined);
    const lines = createInterface({ input: from, crlfDelay: Infinity });
    // An error of what it reads from is told by the lines too.
    lines.on("error", () => undefined);
    const take = (line: string): void => {
      const message = messageIn(line);
      if (message) return this.#take(message, listener);
      lines.off("line", take);
      from.destroy();
      return listener.broken();
    };
    lines.on("line", take);
  }

  /** @throws RefusedByPeer, or what {@link Peer.abandon} was given. */
  request(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#next;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  /** Ends all requests that are still open. */
  abandon(error: unknown): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  #take({ id, method, params, result, error }: Message, listener: Listener): void {
    if (method !== undefined) {
      if (id === undefined) listener.told(method, params);
      else void this.#answer(id, listener.asked(method, params));
      return;
    }
    const waiting = this.#waiting.get(id ?? 0);
    this.#waiting.delete(id ?? 0);
    if (error) waiting?.reject(new RefusedByPeer(error.code, error.message));
    else waiting?.resolve(result);
  }

  async #answer(id: number, work: Promise<unknown>): Promise<void> {
    const message = await work.then(
      (result) => ({ id, result: result ?? null }),
      (error: unknown) => ({ id, error: { code: -32_603, message: messageOf(error) } }),
    );
    this.#send(message);
  }

  #send(message: Message): void {
    if (this.#to.writable) this.#to.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  }
}

function messageIn(line: string): Message | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === "object" && message !== null ? (message as Message) : undefined;
  } catch {
    return undefined;
  }
}
