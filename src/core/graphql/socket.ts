import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { GraphQLError, type ExecutionArgs } from "graphql";
import { handleProtocols, makeServer, type Context, type Server, type SubscribePayload } from "graphql-ws";
import { WebSocketServer, type WebSocket } from "ws";
import { WeftlineError, asWeftlineError } from "../errors.ts";
import { readTraceparent } from "../process/traceparent.ts";
import type { AddressReader } from "./addresses.ts";
import { authenticate, callerKey, credentialsOf } from "./authenticate.ts";
import type { Engine } from "./engine.ts";
import { Frames } from "./frames.ts";
import type { GraphLimits } from "./limits.ts";
import { OperationIds } from "./operation-ids.ts";
import { publicError, statusOf, withoutHttp } from "./masking.ts";
import type { Rates } from "./rates.ts";
import { refuseConnection } from "./refuse-connection.ts";
import { Responses } from "./responses.ts";
import { authorizationService, type Admitted, type ScopeHost } from "./scope.ts";
import type { Seat, Seats } from "./seats.ts";
import { serverCounters, type ServerCounters } from "./server-counters.ts";
import type { Stays } from "./stays.ts";
import { Wire } from "./wire.ts";

export interface SocketServerOptions {
  readonly engine: Engine;
  readonly host: ScopeHost;
  readonly limits: GraphLimits;
  readonly addressOf: AddressReader;
  readonly rates: Rates;
  readonly seats: Seats;
  readonly stays: Stays;
}

/** What is known of one socket. */
interface Peer {
  /** Until the caller is known; an idle socket should not hold on to it. */
  request: IncomingMessage | undefined;
  readonly wire: Wire;
  readonly ids: OperationIds;
  readonly seat: Seat;
  viewer: Admitted | undefined;
  /** By what its requests are counted: its address, and its viewer when that is known. */
  key: string;
  /** The authorisation version at which the viewer was last found in order. */
  checked: number;
  /** Ends what watches over its stay. */
  forget: (() => void) | undefined;
}

type SocketContext = Context<Record<string, unknown>, Peer>;

/** Close codes: a client that resumes treats the first two as "connect again", the others as its own fault. */
const closeCodes = { goingAway: 1001, forbidden: 4403, idTaken: 4409, tooMany: 4429, internal: 4500 } as const;
const keepAliveMs = 12_000;
/** Sockets are pinged in as many groups, so that thousands are not all at once. */
const pingGroups = 12;
const drainWindowMs = 1_000;

/**
 * Speaks `graphql-transport-ws`, and no other subprotocol. One bad document costs its own operation and never the socket; a reader
 * that does not keep up holds its own streams back and nobody else's.
 */
export class SocketServer {
  readonly #options: SocketServerOptions;
  readonly #ws: WebSocketServer;
  readonly #protocol: Server<Peer>;
  readonly #wires = new Set<Wire>();
  readonly #counters: ServerCounters;
  #pings: NodeJS.Timeout | undefined;
  #group = 0;

  constructor(options: SocketServerOptions) {
    this.#options = options;
    this.#counters = options.host.use(serverCounters);
    this.#ws = new WebSocketServer({
      noServer: true,
      maxPayload: options.limits.requestBytes,
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols,
    });
    this.#protocol = makeServer<Record<string, unknown>, Peer>({
      onConnect: (context) => this.#connect(context),
      onSubscribe: (context, _, payload) => this.#subscribe(context, payload),
      onPing: ({ extra }) => this.#countPing(extra),
      onError: (_, __, ___, errors) => errors.map((error) => this.#shown(error).toJSON()),
      onOperation: (context, id, _, __, outcome) =>
        (outcome instanceof Responses ? new Frames(context.extra.wire, context.extra.ids.idOf(id) ?? id, outcome) : undefined) as never,
      execute: (args) => options.engine.run(args) as never,
      subscribe: (args) => options.engine.run(args) as never,
    });
  }

  /** Takes over a connection whose origin was checked. */
  upgrade(request: IncomingMessage, tcp: Duplex, head: Buffer): void {
    const address = this.#options.addressOf(request);
    try {
      const seat = this.#options.seats.take(address);
      tcp.once("close", seat.leave);
      this.#ws.handleUpgrade(request, tcp, head, (socket) => this.#open(socket, { request, tcp, seat, key: address }));
    } catch (error) {
      refuseConnection(tcp, statusOf(asWeftlineError(error)));
    }
  }

  /** How many are open. */
  get open(): number {
    return this.#wires.size;
  }

  /** Closes all with 1001, a little apart: clients that reconnect should not come back in one instant. */
  async drain(): Promise<void> {
    const wires = [...this.#wires];
    const window = Math.min(drainWindowMs, wires.length);
    await Promise.all(wires.map((wire, index) => wire.closeAfter((window * index) / wires.length, closeCodes.goingAway, "Going away")));
  }

  /** Cuts off whoever is left. */
  terminate(): void {
    for (const wire of this.#wires) wire.terminate();
  }

  #open(socket: WebSocket, { tcp, ...rest }: Pick<Peer, "request" | "seat" | "key"> & { readonly tcp: Duplex }): void {
    const wire = new Wire(socket, tcp, this.#wires.size % pingGroups);
    const ids = new OperationIds();
    const peer: Peer = { ...rest, wire, ids, viewer: undefined, checked: 0, forget: undefined };
    this.#wires.add(wire);
    this.#counters.sockets++;
    this.#pings ??= setInterval(() => this.#ping(), keepAliveMs / pingGroups).unref();
    const closed = this.#protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => {
          const shown = ids.outgoing(text);
          return shown === undefined ? undefined : wire.send(shown);
        },
        close: (code = closeCodes.internal, reason = "") => wire.close(code, reason),
        onMessage: (handle) =>
          wire.onMessage((text) => {
            const incoming = ids.incoming(text);
            if (incoming.kind === "message") void this.#handle(handle(incoming.text), peer);
            else wire.close(closeCodes.idTaken, `Subscriber for ${incoming.id.slice(0, 20)} already exists`);
          }),
      },
      peer,
    );
    wire.onClose((code, reason) => {
      this.#wires.delete(wire);
      this.#counters.sockets--;
      peer.forget?.();
      if (this.#wires.size === 0) this.#pings = void clearInterval(this.#pings);
      void this.#handle(closed(code, reason), peer);
    });
  }

  /** What fails here is a bug, not a bad request: those are answered. */
  async #handle(work: Promise<void>, { wire }: Peer): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#options.host.log.error({ err: error }, "a socket failed");
      wire.close(closeCodes.internal, "Internal error");
    }
  }

  #ping(): void {
    this.#group = (this.#group + 1) % pingGroups;
    for (const wire of this.#wires) if (wire.group === this.#group) wire.ping();
  }

  async #connect({ connectionParams = {}, extra }: SocketContext): Promise<boolean> {
    const { host, rates, stays } = this.#options;
    const { version } = host.use(authorizationService);
    const { request, wire } = extra;
    extra.request = undefined;
    try {
      await rates.count(extra.key);
      const viewer = request && (await authenticate(host, credentialsOf(request, connectionParams)));
      if (!viewer || wire.state === "closed") return false;
      const key = callerKey(viewer, extra.key);
      extra.seat.claim(key);
      const end = (): void => wire.close(closeCodes.forbidden, "Forbidden");
      Object.assign(extra, { viewer, key, checked: version, forget: stays.add({ viewer, since: version, end }) });
      return true;
    } catch (error) {
      // Not 4429: a client takes that for its own fault and does not come again.
      wire.close(closeCodes.forbidden, asWeftlineError(error).message);
      return false;
    }
  }

  async #countPing({ key, wire }: Peer): Promise<void> {
    try {
      await this.#options.rates.count(key);
    } catch {
      wire.close(closeCodes.tooMany, "Too many pings");
    }
  }

  /** Nothing is thrown here: an exception would end the socket, and every other subscription on it. */
  async #subscribe(context: SocketContext, payload: SubscribePayload): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { extra, subscriptions } = context;
    const { engine, limits, rates } = this.#options;
    // A socket has one header for all of its operations, and each may be in a trace of its own.
    const caller = { viewer: extra.viewer, requestId: randomUUID(), traceparent: readTraceparent(payload.extensions?.["traceparent"]) };
    // Counted before anything is awaited: operations that come in one tick must not all count each other.
    const open = Object.keys(subscriptions).length;
    try {
      if (open > limits.operationsPerSocket) throw new WeftlineError("RATE_LIMITED", { what: "operations on this socket" });
      await rates.count(extra.key);
      if (!(await this.#stillAdmitted(extra))) {
        extra.wire.close(closeCodes.forbidden, "Forbidden");
        throw new WeftlineError("UNAUTHENTICATED");
      }
      return engine.prepare(payload, caller);
    } catch (error) {
      return [this.#shown(error, caller.requestId)];
    }
  }

  async #stillAdmitted(peer: Peer): Promise<boolean> {
    const authorization = this.#options.host.use(authorizationService);
    if (!peer.viewer) return false;
    if (peer.checked === authorization.version) return true;
    const { version } = authorization;
    if (!(await authorization.admits(peer.viewer))) return false;
    peer.checked = version;
    return true;
  }

  /** graphql-ws wraps what a stream throws; the error inside is the one that was made to be shown. */
  #shown(error: unknown, requestId: string = randomUUID()): GraphQLError {
    const inner = error instanceof GraphQLError && error.cause instanceof GraphQLError ? error.cause : error;
    return withoutHttp(publicError(inner, { requestId, log: this.#options.host.log }));
  }
}
