import type { IncomingMessage } from "node:http";
import { WeftlineError } from "../errors.ts";

/** Headers of which one must stand on a request that a browser could send without asking first. */
export const csrfHeaders = ["x-weftline-csrf", "apollo-require-preflight", "x-graphql-yoga-csrf"] as const;

/** What a page of another site may send without a preflight request. */
const sentUnasked = /^\s*$|text\/plain|application\/x-www-form-urlencoded|multipart\/form-data/i;

/**
 * Refuses what a page of another site could send in the name of whoever reads it.
 *
 * @throws FORBIDDEN naming the header to send.
 */
export function refuseForgeable({ headers }: IncomingMessage): void {
  const type = headers["content-type"] ?? "";
  if (!sentUnasked.test(type) && type.includes("/")) return;
  if (csrfHeaders.some((name) => headers[name] !== undefined)) return;
  throw new WeftlineError("FORBIDDEN", {
    message: "A page of another site could have sent this request: it has no CSRF header and no JSON body.",
    fix: `Send the header ${csrfHeaders[0]}: 1, or content-type: application/json with a POST.`,
  });
}
