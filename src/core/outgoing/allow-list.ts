import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { WeftlineError } from "../errors.ts";

type Address = ReturnType<typeof ipaddr.parse>;
type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** What plugins and tools may reach over HTTP besides public addresses. */
export interface OutgoingConfig {
  /**
   * Hosts, addresses and networks that are permitted though they are not public, at any port: `hooks.internal`, `*.internal`, `10.1.2.3`, `10.1.0.0/16`, `fd00::/8`.
   */
  readonly allow?: readonly string[];
  /** Ports of public hosts; 80, 443, 8080 and 8443 by default. */
  readonly ports?: readonly number[];
}

const defaultPorts = [80, 443, 8_080, 8_443];
/** The global unicast space of IPv6: what is outside it is routed nowhere. */
const globalUnicast = ipaddr.parseCIDR("2000::/3");
/** Azure's machines reach its agents at this public address. */
const platformAddresses = ["168.63.129.16"];

/** Which hosts, ports and addresses a request may go to. */
export class AllowList {
  readonly #names = new Set<string>();
  readonly #suffixes: string[] = [];
  readonly #networks: Network[] = [];
  readonly #ports: ReadonlySet<number>;

  /** @throws CONFIG_INVALID for an entry that is no host and no network. */
  constructor({ allow = [], ports = defaultPorts }: OutgoingConfig = {}) {
    this.#ports = new Set(ports);
    const wrong = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
    if (wrong !== undefined) throw invalid("outgoing.ports", `${wrong} is no port`);
    for (const entry of allow) this.#add(entry);
  }

  /** Whether the operator permits a host by its name, whatever it leads to. */
  permitsHost(host: string): boolean {
    const name = nameOf(host);
    return this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix));
  }

  /** Whether a connection may go to an address. */
  permits(address: string, port: number): boolean {
    if (isIP(address) === 0) return false;
    const parsed = ipaddr.parse(address);
    return this.#networks.some((network) => contains(network, parsed)) || (this.#ports.has(port) && isPublic(parsed));
  }

  /** Whether a host could be reached at a port, as far as can be told before its name is resolved. */
  mayReach(host: string, port: number): boolean {
    if (this.permitsHost(host)) return true;
    return isIP(host) !== 0 ? this.permits(host, port) : this.#ports.has(port) || this.#networks.length > 0;
  }

  #add(entry: string): void {
    const name = nameOf(entry);
    const family = isIP(name.split("/", 1)[0] ?? "");
    const network = name.includes("/") ? name : `${name}/${family === 4 ? 32 : 128}`;
    if (family !== 0 && ipaddr.isValidCIDR(network)) this.#networks.push(ipaddr.parseCIDR(network));
    else if (/^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name) && !/^[\d.]+$/.test(name)) {
      if (name.startsWith("*.")) this.#suffixes.push(name.slice(1));
      else this.#names.add(name);
    } else throw invalid("outgoing.allow", `"${entry}" is no host, address or network`);
  }
}

function isPublic(address: Address): boolean {
  if (platformAddresses.includes(address.toString())) return false;
  return address.range() === "unicast" && (address.kind() === "ipv4" || contains(globalUnicast, address));
}

function contains([network, bits]: Network, address: Address): boolean {
  return network.kind() === address.kind() && address.match([network, bits] as never);
}

/** As names are compared: lower case, without the dot of the root. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

function invalid(file: string, problem: string): WeftlineError {
  const fix = 'Name hosts and networks, as in outgoing: { allow: ["hooks.internal", "10.1.0.0/16"], ports: [443] }.';
  return new WeftlineError("CONFIG_INVALID", { file, problem, fix });
}
