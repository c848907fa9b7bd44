import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { WeftlineError } from "../errors.ts";
import type { GraphLimits } from "./limits.ts";

/** Reads request bodies: each within the limit of one request, and those of one viewer within a limit of their own. */
export class RequestBodies {
  readonly #limits: Pick<GraphLimits, "requestBytes" | "pendingBytesPerViewer">;
  /** Bytes announced by each caller and not read to their end yet. */
  readonly #pending = new Map<string, number>();

  constructor(limits: Pick<GraphLimits, "requestBytes" | "pendingBytesPerViewer">) {
    this.#limits = limits;
  }

  /**
   * Reads a body to its end.
   *
   * @param caller whom its bytes are counted for while it is read.
   * @throws REQUEST_ENTITY_TOO_LARGE, RATE_LIMITED where the caller sends too much at once, INVALID_INPUT for what is no UTF-8.
   */
  async read(request: IncomingMessage, caller: string): Promise<Buffer> {
    const { requestBytes, pendingBytesPerViewer } = this.#limits;
    const { "content-length": length, "transfer-encoding": encoding } = request.headers;
    if (Number(length ?? 0) > requestBytes) throw new WeftlineError("REQUEST_ENTITY_TOO_LARGE");
    // A chunked body has no announced length: it counts as the largest one allowed.
    const announced = encoding === undefined ? Number(length ?? 0) : requestBytes;
    const pending = (this.#pending.get(caller) ?? 0) + announced;
    // A single request always fits.
    if (pending > pendingBytesPerViewer && pending > announced) throw new WeftlineError("RATE_LIMITED", { what: "bytes of requests" });
    this.#pending.set(caller, pending);
    try {
      return textOf(await collect(request, requestBytes));
    } finally {
      const left = (this.#pending.get(caller) ?? 0) - announced;
      if (left > 0) this.#pending.set(caller, left);
      else this.#pending.delete(caller);
    }
  }
}

function collect(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) return void chunks.push(chunk);
      request.pause();
      reject(new WeftlineError("REQUEST_ENTITY_TOO_LARGE"));
    });
    request.once("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.once("error", reject);
    request.once("close", () => {
      if (request.readableEnded) return;
      reject(new WeftlineError("INVALID_INPUT", { message: "The request ended before its body did." }));
    });
  });
}

function textOf(body: Buffer): Buffer {
  if (isUtf8(body)) return body;
  throw new WeftlineError("INVALID_INPUT", { message: "The body is not UTF-8.", fix: "Encode the body in UTF-8." });
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** A body that is too long is not read to its end, so its connection cannot serve another request. */
export function mayBeCutShort({ headers }: IncomingMessage, limit: number): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > limit;
}

/** @throws INVALID_INPUT where what is percent-encoded in a query string is no UTF-8. */
export function checkQueryString(url = ""): void {
  try {
    decodeURIComponent(url.slice(url.indexOf("?") + 1));
  } catch {
    throw new WeftlineError("INVALID_INPUT", { message: "The query string is not UTF-8.", fix: "Percent-encode UTF-8." });
  }
}

/** A body that was read, as the fetch layer takes one: parsed where that is possible, and otherwise as bytes. */
export function readBodyFor(request: IncomingMessage, body: Buffer): object | undefined {
  if (body.length === 0) return undefined;
  if (/^application\/(?:graphql\+)?json\b/i.test(request.headers["content-type"] ?? "")) {
    const value = parsed(body);
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0) return value;
  }
  // Not the bytes themselves: the fetch layer would list the index of each.
  return { bytes: body, [Symbol.asyncIterator]: () => bytesOnce(body) };
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

async function* bytesOnce(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}
