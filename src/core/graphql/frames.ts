import type { Responses } from "./responses.ts";
import { isPending } from "./take.ts";
import type { Wire } from "./wire.ts";

const end = { value: undefined, done: true } as const;

/**
 * The `next` messages of one operation, written by whoever iterates it: graphql-ws, which keeps the protocol, sees an iterator that ends when the
 * responses do and never gives anything, and so never awaits a frame or makes one from a text that is ready.
 */
export class Frames implements AsyncIterableIterator<never> {
  readonly #wire: Wire;
  readonly #responses: Responses;
  readonly #head: string;
  #closed = false;

  constructor(wire: Wire, id: string, responses: Responses) {
    this.#wire = wire;
    this.#responses = responses;
    this.#head = `{"id":${JSON.stringify(id)},"type":"next","payload":`;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<never>> {
    for (;;) {
      const taken = this.#responses.takeText();
      if (taken === undefined) {
        await this.#responses.ready();
        continue;
      }
      const text = isPending(taken) ? await taken : taken;
      if (text === "over" || this.#closed) return end;
      const wait = this.#wire.send(`${this.#head}${text}}`);
      if (wait) await wait;
    }
  }

  async return(): Promise<IteratorResult<never>> {
    this.#closed = true;
    await this.#responses.return();
    return end;
  }
}
