import { lookup as systemLookup } from "node:dns/promises";
import { request as requestHttp, type IncomingMessage, type RequestOptions } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { pipeline } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { WeftlineError } from "../errors.ts";
import type { AllowList } from "./allow-list.ts";
import { notPublic, refused, type Target } from "./target.ts";

/** An address of a host. */
export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** Resolves a host's name. */
export type Resolve = (host: string) => Promise<readonly ResolvedAddress[]>;

/** As the system resolves names. */
export const resolveBySystem: Resolve = (host) => systemLookup(host, { all: true });

/** One request, to one target. */
export interface Exchange {
  readonly target: Target;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
  readonly idleMs: number;
  readonly maxBytes: number;
  /** `head` reads no body. */
  readonly read: "body" | "head";
  readonly signal: AbortSignal;
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  /** In lower case; several of one name are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * Sends one request. Its connection goes to an address that was checked: Node connects to what `lookup` answers and asks nobody else.
 *
 * @throws what the connection throws, and OUTGOING_TOO_LARGE.
 */
export async function exchange(exchanged: Exchange, allowed: AllowList, resolve: Resolve): Promise<Answer> {
  const silence = new AbortController();
  const signal = AbortSignal.any([exchanged.signal, silence.signal]);
  try {
    const response = await send({ ...exchanged, signal }, await permittedAddresses(exchanged, allowed, resolve), silence);
    const { statusCode: status = 0, headers: raw } = response;
    const headers = Object.fromEntries(
      Object.entries(raw).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")]),
    );
    if (exchanged.read === "body") return { status, headers, body: await readBody(response, headers, exchanged) };
    response.destroy();
    return { status, headers, body: Buffer.alloc(0) };
  } catch (error) {
    // A body that is broken off says only that.
    silence.signal.throwIfAborted();
    throw error;
  }
}

/** Addresses that may not be connected to are left out; where none is left, nothing is connected. */
async function permittedAddresses({ target: { host, port }, signal }: Exchange, allowed: AllowList, resolve: Resolve): Promise<Addresses> {
  // As `targetOf` checked it; Node asks nobody for it.
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family }];
  const found = await unlessAborted(signal, resolve(host)).catch((error: unknown) => {
    signal.throwIfAborted();
    throw refused(notPublic, error);
  });
  const [first, ...rest] = found.filter(({ address }) => allowed.permitsHost(host) || allowed.permits(address, port));
  if (first) return [first, ...rest];
  throw refused(notPublic, new Error(`${host} leads to ${found.map(({ address }) => address).join(", ") || "no address"}`));
}

type Addresses = readonly [ResolvedAddress, ...ResolvedAddress[]];

/** Node cannot break off what the system resolves. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function send(
  { target: { url, host, port }, method, headers, body, idleMs, signal }: Exchange,
  addresses: Addresses,
  silence: AbortController,
): Promise<IncomingMessage> {
  const [{ address, family }] = addresses;
  const lookup: LookupFunction = (_, { all }, found) => (all ? found(null, [...addresses]) : found(null, address, family));
  return new Promise((answer, fail) => {
    const options: RequestOptions = {
      method,
      host,
      port,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, ...headers },
      lookup,
      signal,
      timeout: idleMs,
      // A connection of its own, never through a proxy that the environment names: it would resolve the name again.
      agent: false,
    };
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(options, answer);
    request.once("timeout", () => silence.abort(new SilentServer()));
    request.once("error", fail);
    // Node ends an answer that nobody asked for, as 101 is, without an error.
    request.once("close", () => fail(new Error("the connection was closed without an answer")));
    request.end(body);
  });
}

/** The server took longer than the idle limit to send anything. */
export class SilentServer extends Error {}

const decoders: ReadonlyMap<string, () => NodeJS.ReadWriteStream> = new Map([
  ["gzip", createGunzip],
  ["x-gzip", createGunzip],
  ["deflate", createInflate],
  ["br", createBrotliDecompress],
]);

/** Answers with these have no body, whatever their headers say of it. */
const withoutBody = new Set([204, 304]);

/** Counts what comes out of a decoder, which reads no further than it is emptied. */
async function readBody(
  response: IncomingMessage,
  { "content-encoding": encoding = "identity" }: Answer["headers"],
  { maxBytes, target, method }: Exchange,
): Promise<Buffer> {
  const tooLarge = () => new WeftlineError("OUTGOING_TOO_LARGE", { host: target.host, limit: maxBytes, retryable: false });
  if (method !== "HEAD" && Number(response.headers["content-length"]) > maxBytes) {
    response.destroy();
    throw tooLarge();
  }
  const isEmpty = method === "HEAD" || withoutBody.has(response.statusCode ?? 0) || response.headers["content-length"] === "0";
  const decoder = isEmpty ? undefined : decoders.get(encoding.trim().toLowerCase())?.();
  // The error reaches the reader of the decoder.
  const source = decoder ? pipeline(response, decoder, () => {}) : response;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks);
}
