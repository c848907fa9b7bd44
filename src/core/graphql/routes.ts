import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Viewer } from "../database/viewer.ts";
import { WeftlineError } from "../errors.ts";
import { uncaughtErrors } from "../process/uncaught-errors.ts";
import { extensionPoint } from "../kernel/refs.ts";
import type { Caller } from "./engine.ts";
import { sendError } from "./replies.ts";
import { Scope, type ScopeHost } from "./scope.ts";

/** A request at a plugin's route. Who sent it is known, and its origin may call. */
export interface RouteRequest {
  readonly method: HttpMethod;
  /** What follows the route's name, as it came: `["0197"]` for `/files/0197`. */
  readonly path: readonly string[];
  readonly headers: IncomingHttpHeaders;
  /** The body as it comes in; whoever refuses a request leaves it unread. */
  readonly body: Readable;
  readonly scope: Scope;
  /** Aborts when the caller is gone, or may stay no longer. */
  readonly signal: AbortSignal;
}

/** What a route answers. */
export interface RouteResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Readable;
}

export type HttpMethod = "GET" | "POST" | "PUT" | "DELETE";

/** A plain HTTP resource beside the graph, for what the graph does not carry: bytes. */
export interface HttpRoute {
  /** A page of another site can make browsers send a GET: never change anything at one. */
  readonly methods: readonly HttpMethod[];
  /** @throws a WeftlineError for what is refused: its kind decides the status. */
  handle(request: RouteRequest): Promise<RouteResponse>;
}

/** Where plugins put {@link HttpRoute}s: the one named `files` answers at `/files` and below. Callers without a viewer get 401. */
export const httpRoutes = extensionPoint<HttpRoute>("weftline.httpRoutes");

/** A request at an open route: who sent it is for the route to find out. */
export interface OpenRouteRequest extends Omit<RouteRequest, "scope"> {
  readonly requestId: string;
}

/**
 * A plain HTTP resource that proves its callers itself, by a signature. It is reached without a viewer: read nothing of a body before you know that somebody may
 * have sent it, and write nothing before you know that.
 */
export interface OpenRoute extends Pick<HttpRoute, "methods"> {
  /** @throws a WeftlineError for what is refused: its kind decides the status. */
  handle(request: OpenRouteRequest): Promise<RouteResponse>;
}

/** Where plugins put {@link OpenRoute}s: the one named `webhooks` answers at `/webhooks` and below. A name is of one route, open or not. */
export const openRoutes = extensionPoint<OpenRoute>("weftline.openRoutes");

/** A route with the part of the path below its name. */
export type FoundRoute = { readonly plugin: string; readonly path: readonly string[] } & (
  | { readonly access: "viewers"; readonly route: HttpRoute }
  | { readonly access: "open"; readonly route: OpenRoute }
);

/** The route that a path belongs to. */
export function findRoute(host: ScopeHost, path: string): FoundRoute | undefined {
  const [, name = "", ...rest] = path.split("/");
  const found = host.contributions(httpRoutes).get(name);
  if (found) return { route: found.value, access: "viewers", plugin: found.plugin, path: rest };
  const open = host.contributions(openRoutes).get(name);
  return open && { route: open.value, access: "open", plugin: open.plugin, path: rest };
}

const watchersOfResponse = 20;

/**
 * Lets a route answer a request.
 *
 * @throws UNAUTHENTICATED, RATE_LIMITED and UNAVAILABLE where no place is free, and what the route throws.
 */
export async function serveRoute(
  found: FoundRoute,
  { host, request, response, requestId, viewer, stay, traceparent }: Exchange,
): Promise<void> {
  const { plugin, path } = found;
  const method = found.route.methods.find((each) => each === request.method);
  if (method === undefined) {
    const known = found.route.methods.join(", ");
    response.setHeader("allow", known);
    const refusal = new WeftlineError("INVALID_INPUT", { message: `This answers to ${known} only.`, fix: "Use another method." });
    return sendError(response, refusal, requestId, 405);
  }
  if (!viewer && found.access === "viewers") throw new WeftlineError("UNAUTHENTICATED");
  stay?.().addEventListener("abort", () => response.destroy(), { once: true });
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  // Each who watches a response has a listener, and a pipeline seven: they are few, and do not grow.
  response.setMaxListeners(watchersOfResponse);
  const asked = { method, path, headers: request.headers, body: request, signal: gone.signal };
  try {
    const answer = await host
      .use(uncaughtErrors)
      .settle({ requestId, plugin }, () =>
        found.access === "viewers"
          ? found.route.handle({ ...asked, scope: Object.assign(new Scope(host, viewer as Viewer, requestId), { traceparent }) })
          : found.route.handle({ ...asked, requestId }),
      );
    response.writeHead(answer.status, answer.headers);
    if (answer.body instanceof Readable) await pipeline(answer.body, response);
    else response.end(answer.body);
  } catch (error) {
    // A caller that goes before the end is no failure.
    if (!gone.signal.aborted || error instanceof WeftlineError) throw error;
  }
}

interface Exchange extends Caller {
  readonly host: ScopeHost;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}
