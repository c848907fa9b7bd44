import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WeftlineError, asWeftlineError } from "../errors.ts";
import { readTraceparent } from "../process/traceparent.ts";
import { addressReader, addressTrust, type AddressReader } from "./addresses.ts";
import { admission, authenticate, callerKey, credentialsOf } from "./authenticate.ts";
import { checkBind, listenError, type ListenAddress } from "./bind.ts";
import { Cors } from "./cors.ts";
import { refuseForgeable } from "./csrf.ts";
import type { Caller, Engine } from "./engine.ts";
import { GraphiqlPage } from "./graphiql.ts";
import type { GraphLimits } from "./limits.ts";
import { Rates } from "./rates.ts";
import { refuseConnection } from "./refuse-connection.ts";
import { answerPlainPost } from "./plain-post.ts";
import { Probes } from "./probes.ts";
import { sendError } from "./replies.ts";
import { RequestQueues } from "./request-queues.ts";
import { RequestBodies, checkQueryString, hasBody, mayBeCutShort, readBodyFor } from "./request-body.ts";
import { findRoute, serveRoute } from "./routes.ts";
import { authorizationService, type Admitted, type ScopeHost } from "./scope.ts";
import { Seats } from "./seats.ts";
import { SocketServer } from "./socket.ts";
import { countAnswer, serverCounters, type ServerCounters } from "./server-counters.ts";
import { Stays } from "./stays.ts";
import { UnknownConnections } from "./unknown-connections.ts";

export interface GraphServerOptions {
  readonly engine: Engine;
  readonly host: ScopeHost;
  readonly limits: GraphLimits;
  /** Origins besides the server's own and loopback that may call, also from a browser. */
  readonly origins: readonly string[];
  /** Proxies that are believed when they say for whom they ask. */
  readonly trustedProxies: readonly string[];
  readonly graphiql: "on" | "off";
  /** How long it goes on to serve once it is to close, while `/readyz` says so, in milliseconds. */
  readonly drainDelayMs: number;
  /** In development pages of other ports of this machine read answers without being listed. */
  readonly mode: "development" | "production";
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

/** The HTTP server: the graph (queries and mutations, SSE, sockets by upgrade, GraphiQL), plugins' routes, probes. */
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
  readonly #requests: RequestQueues;
  readonly #cors: Cors;
  readonly #bodies: RequestBodies;
  readonly #unknown: UnknownConnections;
  readonly #probes: Probes;
  readonly #counters: ServerCounters;
  /** `leaving` while balancers are to notice: it serves, and says that it will not for long. */
  #state: "open" | "leaving" | "draining" = "open";

  constructor(options: GraphServerOptions) {
    this.#options = options;
    const { engine, host, limits } = options;
    const addressOf = (this.#addressOf = addressReader(options.trustedProxies));
    const rates = (this.#rates = new Rates(limits));
    const seats = (this.#seats = new Seats(limits));
    const stays = (this.#stays = new Stays(host));
    this.#sockets = new SocketServer({ engine, host, limits, addressOf, rates, seats, stays });
    this.#graphiql = options.graphiql === "on" ? new GraphiqlPage() : undefined;
    this.#cors = new Cors(host.log);
    this.#counters = host.use(serverCounters);
    this.#probes = new Probes({ host, isDraining: () => this.#state !== "open" });
    this.#bodies = new RequestBodies(limits);
    this.#unknown = new UnknownConnections(limits, addressTrust(options.trustedProxies));
    this.#requests = new RequestQueues(limits.operationsPerSocket, () => {
      if (!this.#http.listening) this.#closeIdle();
    });
    const headersTimeout = Math.min(limits.headersMs, longestTimer);
    this.#http = createServer(
      { headersTimeout, connectionsCheckingInterval: Math.max(50, Math.min(1_000, headersTimeout / 2)) },
      (request, response) => this.#requests.add(request.socket, response, () => void this.#answer(request, response)),
    );
    this.#http.on("connection", (tcp: Socket) => {
      this.#connections.add(tcp);
      tcp.once("close", () => {
        this.#connections.delete(tcp);
        this.#requests.forget(tcp);
      });
      this.#unknown.add(tcp);
    });
    this.#http.on("upgrade", (request, tcp, head) => {
      tcp.on("error", () => tcp.destroy());
      // Their answers would come in between, and the connection is not read meanwhile.
      if (this.#requests.hasWaiting(request.socket)) return void tcp.destroy();
      if (pathOf(request) !== endpoint) return refuseConnection(tcp, 404);
      if (this.#state === "draining") return refuseConnection(tcp, 503);
      if (this.#cors.refusalOf(request) !== undefined) return refuseConnection(tcp, 403);
      // From here on it is counted as a socket.
      this.#unknown.identified(request.socket);
      this.#requests.forget(request.socket);
      this.#sockets.upgrade(request, tcp, head);
    });
  }

  /** Whether no socket is open and no request waits for its answer. */
  get isIdle(): boolean {
    return this.#requests.waiting === 0 && this.#sockets.open === 0;
  }

  /**
   * Starts to listen.
   *
   * @throws BIND_WITHOUT_AUTH for an address that others reach, where callers need no credentials.
   * @throws ADDRESS_IN_USE where another program listens already.
   */
  async listen({ host, port }: ListenAddress): Promise<Listening> {
    const admits = admission(this.#options.host);
    checkBind({ host }, admits);
    this.#cors.rules = {
      allowed: new Set(this.#options.origins),
      hosts: admits === "credentials" ? "any" : "loopback",
      loopback: this.#options.mode === "development" ? "reads" : "calls",
    };
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
    if (this.#state !== "open" || !this.#http.listening) return;
    const { drainDelayMs } = this.#options;
    if (drainDelayMs > 0) {
      this.#state = "leaving";
      await new Promise((resolve) => setTimeout(resolve, drainDelayMs));
    }
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
    for (const tcp of this.#connections) if (this.#requests.isIdle(tcp)) tcp.destroySoon();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
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
      if (!request.complete && request.readableFlowing !== true) response.setHeader("connection", "close");
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
    const { host } = this.#options;
    const found = path === endpoint ? undefined : findRoute(host, path);
    countAnswer(this.#counters, this.#placeOf(path, found !== undefined), response);
    if (this.#probes.has(path)) return this.#probes.answer(path, request, response, requestId);
    const wantsPage = this.#graphiql && request.method === "GET" && request.headers.accept?.includes("text/html");
    if (path === "/" && wantsPage) return void response.writeHead(302, { location: endpoint }).end();
    if (path !== endpoint && !found)
      return sendError(response, new WeftlineError("NOT_FOUND", { what: "path", fix: `The graph is at ${endpoint}.` }), requestId);
    if (draining) {
      response.setHeader("connection", "close");
      return sendError(response, new WeftlineError("SHUTTING_DOWN"), requestId);
    }
    const refusal = this.#cors.refusalOf(request);
    if (refusal !== undefined)
      return sendError(response, new WeftlineError("FORBIDDEN", { message: refusal, fix: "Add the origin to server.origins." }), requestId);
    if (this.#cors.send(request, response, found?.route.methods ?? graphMethods)) return undefined;
    if (found) return serveRoute(found, { host, request, response, ...(await this.#admit(request, response, requestId)) });
    if (this.#graphiql && wantsPage) return this.#graphiql.send(request, response);
    const caller = await this.#admit(request, response, requestId);
    // Before a byte of the body is read.
    if (!caller.viewer) throw new WeftlineError("UNAUTHENTICATED");
    refuseForgeable(request);
    checkQueryString(request.url);
    if (hasBody(request)) {
      if (mayBeCutShort(request, this.#options.limits.requestBytes)) response.setHeader("connection", "close");
      const body = await this.#bodies.read(request, callerKey(caller.viewer, ""));
      const read = readBodyFor(request, body);
      if (await answerPlainPost(this.#options.engine, { request, response }, read, caller)) return;
      Object.assign(request, { body: read });
    }
    await this.#options.engine.yoga.handle(request, response, this.#streaming(caller, response));
  }

  /** Names of routes are few; paths that nobody serves are many. */
  #placeOf(path: string, isRoute: boolean): string {
    if (path === endpoint) return "graphql";
    if (this.#probes.has(path)) return "probes";
    return isRoute ? (path.split("/", 2)[1] ?? "other") : "other";
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
    if (viewer) this.#unknown.identified(request.socket);
    const traceparent = readTraceparent(request.headers["traceparent"]);
    const caller = { viewer, requestId, traceparent };
    return viewer ? { ...caller, viewer, stay: () => this.#stay(viewer, since, address, response) } : caller;
  }

  /** An event stream is broken off when the server stops, and waits for its reader as long as it likes. */
  #streaming(caller: Caller, response: ServerResponse): Caller {
    const { stay } = caller;
    if (!stay) return caller;
    const stayStreaming = (): AbortSignal => {
      const stays = stay();
      response.setTimeout(0);
      this.#streams.add(response);
      this.#counters.eventStreams++;
      response.once("close", () => {
        this.#streams.delete(response);
        this.#counters.eventStreams--;
      });
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
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** A caller's own id is kept, so that one id follows a request through several services. */
function requestIdOf(request: IncomingMessage): string {
  const given = request.headers["x-request-id"];
  return typeof given === "string" && /^[\w.:-]{8,128}$/.test(given) ? given : randomUUID();
}

/** A name under which a browser on this machine reaches what was bound. */
function nameToCall(host: string): string {
  if (host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
