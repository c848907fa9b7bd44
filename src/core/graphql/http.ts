import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WeftlineError, asWeftlineError } from "../errors.ts";
import { addressReader, type AddressReader } from "./addresses.ts";
import { admission, authenticate, callerKey, credentialsOf } from "./authenticate.ts";
import { csrfHeaders, type Caller, type Engine } from "./engine.ts";
import { GraphiqlPage } from "./graphiql.ts";
import type { GraphLimits } from "./limits.ts";
import { isLoopbackName, refuseOrigin, type OriginRules } from "./origins.ts";
import { Rates } from "./rates.ts";
import { sendError, sendJson } from "./replies.ts";
import { findRoute, serveRoute } from "./routes.ts";
import { authorizationService, type Admitted, type ScopeHost } from "./scope.ts";
import { Seats } from "./seats.ts";
import { SocketServer, refuseUpgrade } from "./socket.ts";
import { Stays } from "./stays.ts";

export interface GraphServerOptions {
  readonly engine: Engine;
  readonly host: ScopeHost;
  readonly limits: GraphLimits;
  /** Origins besides the server's own and loopback that may call, also from a browser. */
  readonly origins: readonly string[];
  /** Proxies that are believed when they say for whom they ask. */
  readonly trustedProxies: readonly string[];
  readonly graphiql: "on" | "off";
}

/** Where a server is asked to listen; port 0 takes a free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a server listens. */
export interface Listening {
  /** The graph's address for HTTP and SSE; the same with `ws:` for sockets. */
  readonly url: string;
  readonly port: number;
}

const endpoint = "/graphql";
const securityHeaders = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cache-control": "no-store",
} as const;
/** The longest that a timer waits. */
const longestTimer = 2 ** 31 - 1;
/** The methods of the graph. */
const graphMethods = ["GET", "POST"] as const;

/** The HTTP server: the graph (queries and mutations, SSE, sockets by upgrade, GraphiQL), plugins' routes, a health check for load balancers. */
export class GraphServer {
  readonly #options: GraphServerOptions;
  readonly #http: Server;
  readonly #sockets: SocketServer;
  readonly #graphiql: GraphiqlPage | undefined;
  readonly #addressOf: AddressReader;
  readonly #rates: Rates;
  readonly #seats: Seats;
  readonly #stays: Stays;
  readonly #streams = new Set<ServerResponse>();
  readonly #connections = new Set<Socket>();
  readonly #busy = new Set<Socket>();
  #origins: OriginRules = { allowed: new Set(), hosts: "any" };
  #state: "open" | "draining" = "open";

  constructor(options: GraphServerOptions) {
    this.#options = options;
    const { engine, host, limits } = options;
    const addressOf = (this.#addressOf = addressReader(options.trustedProxies));
    const rates = (this.#rates = new Rates(limits));
    const seats = (this.#seats = new Seats(limits));
    const stays = (this.#stays = new Stays(host));
    this.#sockets = new SocketServer({ engine, host, limits, addressOf, rates, seats, stays });
    this.#graphiql = options.graphiql === "on" ? new GraphiqlPage() : undefined;
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#http.on("connection", (tcp: Socket) => {
      this.#connections.add(tcp);
      tcp.once("close", () => this.#connections.delete(tcp));
    });
    this.#http.on("upgrade", (request, tcp, head) => {
      tcp.on("error", () => tcp.destroy());
      if (pathOf(request) !== endpoint) return refuseUpgrade(tcp, 404);
      if (this.#state === "draining") return refuseUpgrade(tcp, 503);
      if (refuseOrigin(request.headers, this.#origins) !== undefined) return refuseUpgrade(tcp, 403);
      this.#sockets.upgrade(request, tcp, head);
    });
  }

  /**
   * Starts to listen.
   *
   * @throws BIND_WITHOUT_AUTH for an address that others reach, where callers need no credentials.
   * @throws ADDRESS_IN_USE where another program listens already.
   */
  async listen({ host, port }: ListenAddress): Promise<Listening> {
    const admits = admission(this.#options.host);
    if (admits !== "credentials" && !isLoopbackName(host)) throw new WeftlineError("BIND_WITHOUT_AUTH", { host });
    this.#origins = { allowed: new Set(this.#options.origins), hosts: admits === "credentials" ? "any" : "loopback" };
    await new Promise<void>((resolve, reject) => {
      this.#http.once("error", (error) => reject(listenError(error, { host, port })));
      this.#http.listen({ host, port }, resolve);
    });
    const bound = (this.#http.address() as AddressInfo).port;
    return { url: `http://${nameToCall(host)}:${bound}${endpoint}`, port: bound };
  }

  /**
   * Stops: new work is refused, sockets are closed with 1001 (clients reconnect) over at most a second, requests may finish until the
   * deadline, and what is left then is cut off.
   *
   * @param deadlineMs how long all of it may take.
   */
  async close(deadlineMs = 5_000): Promise<void> {
    if (this.#state === "draining" || !this.#http.listening) return;
    this.#state = "draining";
    const deadline = setTimeout(() => {
      this.#sockets.terminate();
      this.#http.closeAllConnections();
    }, deadlineMs);
    // An ended stream would look finished to its reader; a broken one is taken up again elsewhere.
    for (const response of this.#streams) response.destroy();
    await this.#sockets.drain();
    await new Promise<void>((resolve) => {
      this.#http.close(() => resolve());
      this.#closeIdle();
    });
    clearTimeout(deadline);
  }

  /** Also those that never asked anything: Node takes them for busy, and browsers open them ahead of need. */
  #closeIdle(): void {
    for (const tcp of this.#connections) if (!this.#busy.has(tcp)) tcp.destroySoon();
  }

  #occupy(tcp: Socket, response: ServerResponse): void {
    this.#busy.add(tcp);
    response.once("close", () => {
      this.#busy.delete(tcp);
      if (!this.#http.listening) this.#closeIdle();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#occupy(request.socket, response);
    const requestId = requestIdOf(request);
    this.#watch(response);
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    response.setHeader("x-request-id", requestId);
    try {
      await this.#route(request, response, requestId);
    } catch (error) {
      const known = asWeftlineError(error);
      if (known.kind === "internal") this.#options.host.log.error({ err: error, requestId }, "a request failed");
      if (response.headersSent) return void response.destroy();
      // What is left of a body that nobody wants is not read.
      if (!request.complete) response.setHeader("connection", "close");
      sendError(response, known.kind === "internal" ? new WeftlineError("INTERNAL") : known, requestId);
    }
  }

  /** A reader that takes nothing is let go of. One that waits for what is not there yet has taken everything. */
  #watch(response: ServerResponse): void {
    response.setTimeout(Math.min(this.#options.limits.stalledResponseMs, longestTimer), () => {
      if (response.writableLength > 0) response.destroy();
    });
  }

  async #route(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<void> {
    const path = pathOf(request);
    const draining = this.#state === "draining";
    if (path === "/healthz") return sendJson(response, draining ? 503 : 200, { status: draining ? "DRAINING" : "UP" });
    const { host } = this.#options;
    const found = path === endpoint ? undefined : findRoute(host, path);
    if (path !== endpoint && !found)
      return sendError(response, new WeftlineError("NOT_FOUND", { what: "path", fix: `The graph is at ${endpoint}.` }), requestId);
    if (draining) {
      response.setHeader("connection", "close");
      return sendError(response, new WeftlineError("SHUTTING_DOWN"), requestId);
    }
    const refusal = refuseOrigin(request.headers, this.#origins);
    if (refusal !== undefined)
      return sendError(response, new WeftlineError("FORBIDDEN", { message: refusal, fix: "Add the origin to server.origins." }), requestId);
    if (this.#sendCors(request, response, found?.route.methods ?? graphMethods)) return undefined;
    if (found) return serveRoute(found, { host, request, response, ...(await this.#admit(request, response, requestId)) });
    if (this.#graphiql && request.method === "GET" && request.headers.accept?.includes("text/html"))
      return this.#graphiql.send(request, response);
    if (mayBeCutShort(request, this.#options.limits.requestBytes)) response.setHeader("connection", "close");
    await this.#options.engine.yoga.handle(request, response, this.#streaming(await this.#admit(request, response, requestId), response));
  }

  /**
   * Who asks.
   *
   * @throws RATE_LIMITED
   */
  async #admit(request: IncomingMessage, response: ServerResponse, requestId: string): Promise<Caller> {
    const { host } = this.#options;
    const since = host.use(authorizationService).version;
    const viewer = await authenticate(host, credentialsOf(request));
    const address = this.#addressOf(request);
    await this.#rates.count(callerKey(viewer, address));
    return viewer ? { viewer, requestId, stay: () => this.#stay(viewer, since, address, response) } : { viewer, requestId };
  }

  /** An event stream is broken off when the server stops, and waits for its reader as long as it likes. */
  #streaming(caller: Caller, response: ServerResponse): Caller {
    const { stay } = caller;
    if (!stay) return caller;
    const stayStreaming = (): AbortSignal => {
      const stays = stay();
      response.setTimeout(0);
      this.#streams.add(response);
      response.once("close", () => this.#streams.delete(response));
      return stays;
    };
    return { ...caller, stay: stayStreaming };
  }

  /** An event stream and a route's response take a place as a socket does, and their reader is shown out as a socket's is. */
  #stay(viewer: Admitted, since: number, address: string, response: ServerResponse): AbortSignal {
    const seat = this.#seats.take(address);
    let forget: (() => void) | undefined;
    response.once("close", () => {
      seat.leave();
      forget?.();
    });
    seat.claim(callerKey(viewer, address));
    const stays = new AbortController();
    forget = this.#stays.add({ viewer, since, end: () => stays.abort() });
    return stays.signal;
  }

  /** Lets browsers of the configured origins read answers; `true` where the request was only their question whether they may. */
  #sendCors(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): boolean {
    const { origin } = request.headers;
    if (origin !== undefined && this.#origins.allowed.has(origin)) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("access-control-expose-headers", "x-request-id, retry-after");
      response.setHeader("vary", "origin");
      if (request.method === "OPTIONS") {
        response.setHeader("access-control-allow-methods", methods.join(", "));
        response.setHeader("access-control-allow-headers", ["content-type", "authorization", "x-request-id", ...csrfHeaders].join(", "));
        response.setHeader("access-control-max-age", "600");
      }
    }
    if (request.method !== "OPTIONS") return false;
    response.writeHead(204).end();
    return true;
  }
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** A body that is too long is not read to its end, so its connection cannot serve another request. */
function mayBeCutShort({ headers }: IncomingMessage, limit: number): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > limit;
}

/** A caller's own id is kept, so that one id follows a request through several services. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID();
}

function listenError(error: NodeJS.ErrnoException, { host, port }: ListenAddress): Error {
  return error.code === "EADDRINUSE" ? new WeftlineError("ADDRESS_IN_USE", { host, port }, { cause: error }) : error;
}

/** A name under which a browser on this machine reaches what was bound. */
function nameToCall(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
