import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Whether an address is this machine's own, mapped IPv4 included. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, "");
  const family = isIP(plain);
  return family !== 0 && loopback.check(plain, family === 4 ? "ipv4" : "ipv6");
}

/** Whether a host name can only mean this machine. */
export function isLoopbackName(name: string): boolean {
  const plain = name.replace(/^\[|\]$/g, "").toLowerCase();
  return plain === "localhost" || plain.endsWith(".localhost") || isLoopbackAddress(plain);
}

/** Where browsers may call from. */
export interface OriginRules {
  /** Origins besides the server's own and those of this machine, as in `https://app.example.com`. */
  readonly allowed: ReadonlySet<string>;
  /**
   * `loopback` also refuses requests that name another host. A page of another site whose name was made to point here after it had
   * loaded (DNS rebinding) would otherwise pass for the server's own, which matters where callers need no credentials.
   */
  readonly hosts: "any" | "loopback";
  /** What pages of other ports of this machine may do: only call, or, as in development, read the answers too. */
  readonly loopback: "calls" | "reads";
}

/** Whether a page comes from this machine, whatever its port. */
export function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && isLoopbackName(url.hostname);
}

/** What the rules read of a request. */
export interface OriginHeaders {
  readonly origin?: string | undefined;
  readonly host?: string | undefined;
}

/** Why a request may not come from where it comes, or nothing. Requests without an `Origin` do not come from a page. */
export function refuseOrigin({ origin, host = "" }: OriginHeaders, rules: OriginRules): string | undefined {
  if (rules.hosts === "loopback" && !hostAllowed(host, rules))
    return `The host ${JSON.stringify(host.slice(0, 100))} is not this server's.`;
  if (origin === undefined || rules.allowed.has(origin)) return undefined;
  const url = URL.parse(origin);
  if (url && (url.host === host.toLowerCase() || isLoopbackName(url.hostname))) return undefined;
  return `The origin ${JSON.stringify(origin.slice(0, 100))} may not call this server.`;
}

function hostAllowed(host: string, { allowed }: OriginRules): boolean {
  const name = URL.parse(`http://${host}`)?.hostname;
  if (name === undefined) return false;
  return isLoopbackName(name) || [...allowed].some((origin) => URL.parse(origin)?.hostname === name);
}
