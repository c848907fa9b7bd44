import { WeftlineError } from "../errors.ts";
import { serviceRef } from "../kernel/refs.ts";
import { AllowList, type OutgoingConfig } from "./allow-list.ts";
import { exchange, resolveBySystem, SilentServer, type Answer, type Resolve } from "./exchange.ts";
import { headersToSend } from "./headers.ts";
import { redirectOf, type Hop } from "./redirects.ts";
import { refused, targetOf, type Target } from "./target.ts";

/** A request to a server outside. */
export interface OutgoingRequest {
  /** http or https, without credentials. */
  readonly url: string;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Those of the connection itself, such as Host and Content-Length, are not taken. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** How many redirects are followed, at most 10. By default none: the redirect is the answer. */
  readonly redirects?: number;
  /** How long all of it may take, redirects included, in milliseconds; 30,000 by default. */
  readonly timeoutMs?: number;
  /** How long the server may send nothing, in milliseconds; 10,000 by default. */
  readonly idleMs?: number;
  /** The longest body that is read, decompressed; 1 MiB by default. */
  readonly maxBytes?: number;
  /** `head` does not read the body, and its length does not matter; `body` by default. */
  readonly read?: "body" | "head";
  readonly signal?: AbortSignal;
}

/** What the server answered. */
export interface OutgoingResponse extends Answer {
  /** Of the last request, after redirects. */
  readonly url: string;
}

/**
 * HTTP for addresses that a user, a model or another server names. It connects to public addresses and to what the operator allows, and checks the address
 * that it connects to, after DNS and at every redirect.
 */
export interface OutgoingHttp {
  /**
   * @throws OUTGOING_REFUSED, OUTGOING_UNREACHABLE, OUTGOING_TIMEOUT or OUTGOING_TOO_LARGE. A status such as 500 is an answer, not an error.
   * @example const { status } = await outgoingHttp.request({ url, method: "POST", headers, body, read: "head" });
   */
  request(request: OutgoingRequest): Promise<OutgoingResponse>;
  /** @throws OUTGOING_REFUSED for a URL that no request could go to. Its host's name is not resolved. */
  check(url: string): void;
}

export const outgoingHttp = serviceRef<OutgoingHttp>("weftline.outgoingHttp");

const mostRedirects = 10;
const mebibyte = 1024 * 1024;

/**
 * @param traceparent of the work that asks; its server is told.
 * @throws CONFIG_INVALID for an entry of the configuration that is none.
 */
export function createOutgoingHttp(
  config: OutgoingConfig = {},
  resolve: Resolve = resolveBySystem,
  traceparent: () => string | undefined = () => undefined,
): OutgoingHttp {
  const allowed = new AllowList(config);
  return {
    check: (url) => void targetOf(url, allowed),
    async request(request) {
      const { timeoutMs = 30_000, idleMs = 10_000, maxBytes = mebibyte, read = "body", redirects = 0 } = request;
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = request.signal ? AbortSignal.any([deadline, request.signal]) : deadline;
      let hop: Hop = {
        target: targetOf(request.url, allowed),
        method: request.method ?? "GET",
        headers: headersToSend(inTrace(request.headers, traceparent())),
        body: request.body,
      };
      for (let left = Math.min(redirects, mostRedirects); ; left--) {
        signal.throwIfAborted();
        const answer = await outcomeOf(hop.target, { deadline, signal, timeoutMs, idleMs }, () =>
          exchange({ ...hop, idleMs, maxBytes, read, signal }, allowed, resolve),
        );
        const next = redirects > 0 ? redirectOf(answer, hop, allowed) : undefined;
        if (!next) return { ...answer, url: hop.target.url.href };
        if (left === 0) throw refused(`it redirects more than ${Math.min(redirects, mostRedirects)} times`);
        hop = next;
      }
    },
  };
}

/** Who says itself which trace it is in is believed. */
function inTrace(headers: OutgoingRequest["headers"], traceparent: string | undefined): OutgoingRequest["headers"] {
  return traceparent === undefined ? headers : { traceparent, ...headers };
}

interface Clock {
  readonly deadline: AbortSignal;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly idleMs: number;
}

/** What a connection throws names addresses and ports: it stays the cause. */
async function outcomeOf<T>({ host }: Target, { deadline, signal, timeoutMs, idleMs }: Clock, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WeftlineError) throw error;
    const silent = error instanceof SilentServer;
    if (silent || deadline.aborted) {
      const seconds = (silent ? idleMs : timeoutMs) / 1_000;
      throw new WeftlineError("OUTGOING_TIMEOUT", { host, seconds }, { cause: error });
    }
    if (signal.aborted) throw signal.reason;
    throw new WeftlineError("OUTGOING_UNREACHABLE", { host }, { cause: error });
  }
}
