import { answerTo, type Answerer } from "../answer.ts";
import { parsed } from "../mentions.ts";
import { durationMs, pacedStream, pause, type Pace } from "../pace.ts";
import { chatExchange } from "./chat.ts";
import { createdAt, idsOf, problemResponse, type Exchange } from "./exchange.ts";
import { responsesExchange } from "./responses.ts";

/** How the simulated model behaves. */
export interface SimulatedOptions {
  /** Tokens that an answer streams in a second. 0 is full speed. 60 unless given. */
  readonly tokensPerSecond?: number;
  /** Milliseconds before the first token. 0 unless given. */
  readonly firstTokenMs?: number;
  /** The model ids that GET /models lists; any other id is answered too. `["simulated"]` unless given. */
  readonly models?: readonly string[];
  /** What is said to a request; the simulated model's own answer unless given. */
  readonly answer?: Answerer;
}

/**
 * A `fetch` that is OpenAI's API, for Chat Completions and Responses, with a deterministic model behind it. It opens no socket; every
 * response carries `x-simulated: 1`.
 *
 * @example new OpenAI({ apiKey: "simulated", baseURL: "http://simulated.invalid/v1", fetch: createSimulatedFetch(), maxRetries: 0 })
 */
export function createSimulatedFetch(options: SimulatedOptions = {}): typeof fetch {
  const pace = { tokensPerSecond: options.tokensPerSecond ?? 60, firstTokenMs: options.firstTokenMs ?? 0 };
  const models = options.models ?? ["simulated"];
  return async (input, init) => {
    const { method, url, body, signal } = await callOf(input, init);
    signal?.throwIfAborted();
    const headers = { "x-simulated": "1", "x-request-id": idsOf(method + url.pathname + body)("req_") };
    const path = url.pathname.replace(/\/$/, "");
    if (method === "GET" && path.endsWith("/models")) return Response.json(modelList(models), { headers });
    const exchange =
      method !== "POST"
        ? undefined
        : path.endsWith("/chat/completions")
          ? chatExchange
          : path.endsWith("/responses")
            ? responsesExchange
            : undefined;
    if (!exchange) return problemResponse({ status: 404, message: `Invalid URL (${method} ${url.pathname})` }, headers);
    const json = parsed(body);
    if (json === undefined) return problemResponse({ status: 400, message: "We could not parse the JSON body of your request." }, headers);
    return respond(exchange(json, body, options.answer ?? answerTo), pace, signal, headers);
  };
}

async function respond(
  exchange: Exchange,
  pace: Pace,
  signal: AbortSignal | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  switch (exchange.kind) {
    case "problem":
      return problemResponse(exchange.problem, headers);
    case "stream":
      return new Response(pacedStream(exchange.frames, pace, signal), {
        headers: { ...headers, "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
      });
    case "document":
      await pause(durationMs(pace, exchange.tokens), signal);
      return Response.json(exchange.document, { headers });
  }
}

interface Call {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly signal: AbortSignal | undefined;
}

async function callOf(input: string | URL | Request, init: RequestInit | undefined): Promise<Call> {
  const request = input instanceof Request ? input : undefined;
  const signal = init?.signal ?? request?.signal;
  signal?.throwIfAborted();
  const body = init?.body;
  return {
    method: (init?.method ?? request?.method ?? "GET").toUpperCase(),
    url: new URL(request?.url ?? String(input)),
    body: typeof body === "string" ? body : body != null ? await new Response(body).text() : ((await request?.text()) ?? ""),
    signal,
  };
}

function modelList(models: readonly string[]): object {
  return { object: "list", data: models.map((id) => ({ id, object: "model", created: createdAt, owned_by: "weftline" })) };
}
