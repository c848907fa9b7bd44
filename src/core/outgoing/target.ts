import { WeftlineError } from "../errors.ts";
import type { AllowList } from "./allow-list.ts";

/** Where a request goes. */
export interface Target {
  readonly url: URL;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

const longestUrl = 2_048;
const defaultPort: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/**
 * Reads an address of a request. `URL` turns every way of writing an IP address (decimal, octal, hexadecimal, full width) into the usual one.
 *
 * @throws OUTGOING_REFUSED for what no request may go to, whatever its host's name leads to.
 */
export function targetOf(text: string, allowed: AllowList, base?: URL): Target {
  if (text.length > longestUrl) throw refused("it is longer than 2,048 characters");
  const url = URL.parse(text, base?.href);
  if (!url) throw refused("it is no URL");
  const standard = defaultPort[url.protocol];
  if (standard === undefined) throw refused("it is neither http nor https");
  if (url.username !== "" || url.password !== "") throw refused("it holds credentials");
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? standard : Number(url.port);
  if (!allowed.mayReach(host, port)) throw refused(notPublic);
  return { url, host, port };
}

/** The same words whether a name does not exist, leads to a private address, or the port is not permitted: nobody learns names of a private network. */
export const notPublic = "it does not lead to a public address and permitted port";

export function refused(reason: string, cause?: unknown): WeftlineError {
  return new WeftlineError("OUTGOING_REFUSED", { reason }, { cause });
}
