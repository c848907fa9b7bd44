import { Readable } from "node:stream";
import { WeftlineError, asWeftlineError, type HttpRoute } from "#weftline";
import type { ServeConfig } from "../config.ts";
import { serverFor } from "./server.ts";

/** The most that a request may hold: a tool's arguments and what stands around them. */
const maxBytes = 1024 * 1024;

/** The platform as an MCP server, at `/mcp`: a server for each request, made for who asks. */
export function mcpEndpoint(config: ServeConfig): HttpRoute {
  return {
    methods: ["POST"],
    handle: async ({ method, path, headers, body, scope, signal }) => {
      if (path.length > 0) throw new WeftlineError("NOT_FOUND", { what: "path", fix: "The MCP endpoint is at /mcp." });
      const [{ createMcpHandler, Server }, { toWebRequest }] = await Promise.all([
        import("@modelcontextprotocol/server"),
        import("@modelcontextprotocol/node"),
      ]);
      const incoming = { method, url: "/mcp", headers, [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() };
      const request = await toWebRequest(incoming, undefined, { signal, maxRequestBodySize: maxBytes }).catch(refuseBody);
      checkMessage(await request.clone().text());
      const handler = createMcpHandler(() => serverFor(Server, scope, config), {
        // What changes is told by the graph's `changes`, where a viewer whose rights end is shown out.
        maxSubscriptions: 0,
        maxRequestBodySize: maxBytes,
        onerror: (error) => scope.log.debug({ err: error, requestId: scope.requestId }, "an MCP request was refused"),
      });
      const response = await handler.fetch(request);
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        ...(response.body ? { body: Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]) } : {}),
      };
    },
  };
}

/** How deep a message may nest: what reads it may recurse. */
const maxDepth = 100;

/**
 * Refuses what is not one message of sensible depth. Limits count requests, so a batch would be many calls for the price of one; MCP has had none
 * since 2025-06-18.
 *
 * @throws INVALID_INPUT
 */
function checkMessage(text: string): void {
  const message = parsed(text);
  if (Array.isArray(message))
    throw new WeftlineError("INVALID_INPUT", { message: "Batches are not taken.", fix: "Send each message in a request of its own." });
  const left: [value: unknown, depth: number][] = [[message, 0]];
  for (let next = left.pop(); next; next = left.pop()) {
    const [part, depth] = next;
    if (typeof part !== "object" || part === null) continue;
    if (depth > maxDepth)
      throw new WeftlineError("INVALID_INPUT", {
        message: `The request nests more than ${maxDepth} deep.`,
        fix: "Send flatter arguments.",
      });
    for (const inner of Object.values(part)) left.push([inner, depth + 1]);
  }
}

/** What is no JSON is refused by the protocol. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuseBody(error: unknown): never {
  if (error instanceof Error && error.name === "RequestBodyTooLargeError")
    throw new WeftlineError("INVALID_INPUT", { message: `The request is longer than ${maxBytes / 1024} KiB.`, fix: "Send less at once." });
  throw asWeftlineError(error);
}
