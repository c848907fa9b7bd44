import type { Readable } from "node:stream";
import { WeftlineError } from "#weftline";

/** The most bodies that are read at a time: of callers of whom nothing is proved yet. */
const mostAtOnce = 256;

/** Reads bodies of callers who are not known, so many bytes and so many at a time. */
export class BodyReader {
  readonly #mostBytes: number;
  #reading = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** @throws REQUEST_ENTITY_TOO_LARGE, RATE_LIMITED */
  async read(body: Readable, contentLength: string | undefined, signal: AbortSignal): Promise<Buffer> {
    if (Number(contentLength) > this.#mostBytes) throw tooLarge(this.#mostBytes);
    if (this.#reading >= mostAtOnce) throw new WeftlineError("RATE_LIMITED", { what: "calls of webhooks", retryAfterMs: 1_000 });
    this.#reading++;
    try {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        bytes += chunk.length;
        if (bytes > this.#mostBytes) throw tooLarge(this.#mostBytes);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    } finally {
      this.#reading--;
    }
  }
}

function tooLarge(limit: number): WeftlineError {
  return new WeftlineError("REQUEST_ENTITY_TOO_LARGE", { fix: `A call of a webhook holds at most ${limit} bytes.` });
}
