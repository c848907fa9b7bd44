import type { AllowList } from "./allow-list.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { headersForOthers, headersWithoutBody } from "./headers.ts";
import { refused, targetOf } from "./target.ts";

/** One request of a chain. */
export type Hop = Pick<Exchange, "target" | "method" | "headers" | "body">;

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/**
 * The request that an answer leads to, as fetch follows it: 303, and 301 and 302 after POST, become GET without a body. Another origin gets no header that
 * may be a credential.
 *
 * @returns nothing for an answer that leads nowhere.
 * @throws OUTGOING_REFUSED where no request may go.
 */
export function redirectOf({ status, headers: { location } }: Answer, hop: Hop, allowed: AllowList): Hop | undefined {
  if (!redirectStatuses.has(status) || location === undefined) return undefined;
  const from = hop.target.url;
  const target = targetOf(location, allowed, from);
  if (from.protocol === "https:" && target.url.protocol === "http:") throw refused("it redirects from https to http");
  const becomesGet = (status === 303 && hop.method !== "HEAD") || (status < 303 && hop.method === "POST");
  const headers = target.url.origin === from.origin ? hop.headers : headersForOthers(hop.headers);
  return becomesGet
    ? { target, method: "GET", headers: headersWithoutBody(headers), body: undefined }
    : { target, method: hop.method, headers, body: hop.body };
}
