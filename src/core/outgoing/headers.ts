import { validateHeaderName, validateHeaderValue } from "node:http";
import { WeftlineError } from "../errors.ts";

/** Of one connection: the client sets them itself. */
const ofConnection = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What another origin is told; anything else may be a credential. */
const forEveryOrigin = new Set(["accept", "accept-encoding", "accept-language", "content-type", "user-agent"]);

/**
 * The headers of a first request, in lower case.
 *
 * @throws INVALID_INPUT for what HTTP does not take, without a word of the value.
 */
export function headersToSend(given: Readonly<Record<string, string>> = {}): Record<string, string> {
  const headers: Record<string, string> = { "user-agent": "Weftline", "accept-encoding": "gzip, deflate, br" };
  for (const [name, value] of Object.entries(given)) {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch {
      const shown = JSON.stringify(name.slice(0, 64));
      throw new WeftlineError("INVALID_INPUT", { message: `The header ${shown} has a name or value that HTTP does not take.` });
    }
    const lower = name.toLowerCase();
    if (!ofConnection.has(lower)) headers[lower] = value;
  }
  return headers;
}

/** The headers that go on to another origin. */
export function headersForOthers(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => forEveryOrigin.has(name)));
}

/** The headers of a request that lost its body. */
export function headersWithoutBody(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("content-")));
}
