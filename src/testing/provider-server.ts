import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Record<string, unknown>;
  /** Resolves when the connection is gone or the answer is out, with which it was. */
  readonly closed: Promise<"cut" | "answered">;
}

/** A server that stands in for a provider. */
export interface ProviderServer extends AsyncDisposable {
  readonly baseURL: string;
  readonly seen: readonly SeenRequest[];
}

/** What a server does with one request, byte by byte. */
export type Behaviour = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

/**
 * A server on a free port of the loopback that answers every request in one way: what a provider does, byte by byte.
 *
 * @example await using server = await providerServer(respondJson(401, { error: { message: "No." } }));
 */
export async function providerServer(behave: Behaviour): Promise<ProviderServer> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const closed = once(response, "close").then((): "cut" | "answered" => (response.writableFinished ? "answered" : "cut"));
    const each = {
      path: request.url ?? "",
      headers: request.headers,
      body: JSON.parse(Buffer.concat(chunks).toString("utf8") || "{}") as Record<string, unknown>,
      closed,
    };
    seen.push(each);
    await behave(response, each);
  });
  // A client that is busy for seconds must not find its connection closed: it would ask twice.
  server.keepAliveTimeout = 60_000;
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers with a document. */
export function respondJson(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  return (response) => void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** Begins a stream of server-sent events. */
export function beginStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
}

/** One event of the Responses API as bytes. */
export function namedEvent(event: Record<string, unknown>): string {
  return `event: ${String(event["type"])}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** One chunk of Chat Completions as bytes. */
export function dataEvent(chunk: unknown): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

const item = { type: "message", id: "msg_1", status: "in_progress", role: "assistant", content: [] };
const response = { id: "resp_1", object: "response", status: "in_progress", model: "gpt-test", output: [], usage: null };
const usage = {
  input_tokens: 11,
  output_tokens: 7,
  total_tokens: 18,
  input_tokens_details: { cached_tokens: 3 },
  output_tokens_details: { reasoning_tokens: 2 },
};
const chunk = { id: "chatcmpl_1", object: "chat.completion.chunk", created: 1, model: "gpt-test" };

/** The beginning and the end of a plain answer over each API, without what stands between. */
export const plainAnswers = {
  responses: {
    begin: namedEvent({ type: "response.created", response }) + namedEvent({ type: "response.output_item.added", output_index: 0, item }),
    text: (delta: string) =>
      namedEvent({ type: "response.output_text.delta", item_id: "msg_1", output_index: 0, content_index: 0, delta, logprobs: [] }),
    end: namedEvent({ type: "response.completed", response: { ...response, status: "completed", usage } }),
    done: "",
  },
  chat: {
    begin: dataEvent({ ...chunk, choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] }),
    text: (content: string) => dataEvent({ ...chunk, choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
    end:
      dataEvent({ ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }) +
      dataEvent({
        ...chunk,
        choices: [],
        usage: {
          prompt_tokens: 11,
          completion_tokens: 7,
          total_tokens: 18,
          prompt_tokens_details: { cached_tokens: 3 },
          completion_tokens_details: { reasoning_tokens: 2 },
        },
      }),
    done: "data: [DONE]\n\n",
  },
} as const;
