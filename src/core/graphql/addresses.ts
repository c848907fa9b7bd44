import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";
import { WeftlineError, messageOf } from "../errors.ts";

/** Whether an address is that of a proxy that is believed. */
export type AddressTrust = (address: string) => boolean;

/** Where requests come from. */
export type AddressReader = (request: IncomingMessage) => string;

/** Whoever is at the other end of the connection. */
export function peerAddress(request: IncomingMessage): string {
  return request.socket.remoteAddress ?? "";
}

/**
 * Makes a reader that believes what some proxies say of those whom they speak for; what anybody else says is not read.
 *
 * @param proxies addresses and subnets, or `loopback`, `linklocal`, `uniquelocal`.
 * @throws CONFIG_INVALID where one is none of those.
 */
export function addressReader(proxies: readonly string[]): AddressReader {
  if (proxies.length === 0) return peerAddress;
  const trusts = trustOf(proxies);
  return (request) => (request.socket.remoteAddress === undefined ? "" : proxyAddr(request, trusts));
}

/** @throws CONFIG_INVALID where one of the proxies is no address. */
export function addressTrust(proxies: readonly string[]): AddressTrust {
  if (proxies.length === 0) return () => false;
  const trusts = trustOf(proxies);
  return (address) => address !== "" && trusts(address, 0);
}

function trustOf(proxies: readonly string[]): ReturnType<typeof proxyAddr.compile> {
  try {
    return proxyAddr.compile([...proxies]);
  } catch (error) {
    const fix = 'List addresses and subnets, as in ["10.0.0.7", "10.1.0.0/16", "loopback"].';
    throw new WeftlineError("CONFIG_INVALID", { file: "server.trustedProxies", problem: messageOf(error), fix });
  }
}
