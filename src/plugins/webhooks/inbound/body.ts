import { on } from "node:events";
import type { Readable } from "node:stream";
import { WeftlineError } from "#weftline";
import type { WebhooksConfig } from "../config.ts";

/** The most bodies that are read at a time: of callers of whom nothing is proved yet. */
const mostAtOnce = 256;

/** Reads bodies of callers who are not known: so many bytes, so long, and so many at a time. */
export class BodyReader {
  readonly #limits: Pick<WebhooksConfig, "bodyBytes" | "bodyMs">;
  #reading = 0;

  constructor(limits: Pick<WebhooksConfig, "bodyBytes" | "bodyMs">) {
    this.#limits = limits;
  }

  /** @throws REQUEST_ENTITY_TOO_LARGE, REQUEST_TIMEOUT, RATE_LIMITED, INVALID_INPUT for a body that ends too early. */
  async read(body: Readable, contentLength: string | undefined, signal: AbortSignal): Promise<Buffer> {
    const { bodyBytes, bodyMs } = this.#limits;
    if (Number(contentLength) > bodyBytes) throw tooLarge(bodyBytes);
    if (this.#reading >= mostAtOnce) throw new WeftlineError("RATE_LIMITED", { what: "calls of webhooks", retryAfterMs: 1_000 });
    this.#reading++;
    const late = AbortSignal.timeout(bodyMs);
    try {
      return await collect(body, bodyBytes, AbortSignal.any([signal, late]));
    } catch (error) {
      if (!late.aborted || signal.aborted || error instanceof WeftlineError) throw error;
      throw new WeftlineError("REQUEST_TIMEOUT", { seconds: bodyMs / 1_000 }, { cause: error });
    } finally {
      // What is left of it is not read; the connection is closed after the response.
      body.pause();
      this.#reading--;
    }
  }
}

async function collect(body: Readable, mostBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const [chunk] of on(body, "data", { signal, close: ["end", "close"] }) as AsyncIterable<[Buffer]>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw tooLarge(mostBytes);
    chunks.push(chunk);
  }
  if (!body.readableEnded) throw new WeftlineError("INVALID_INPUT", { message: "The request ended before its body did." });
  return Buffer.concat(chunks);
}

function tooLarge(limit: number): WeftlineError {
  return new WeftlineError("REQUEST_ENTITY_TOO_LARGE", { fix: `A call of a webhook holds at most ${limit} bytes.` });
}
