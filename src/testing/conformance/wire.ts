import { beginStream, dataEvent, namedEvent, plainAnswers, respondJson, type Behaviour } from "../provider-server.ts";

/** Which of OpenAI's two APIs a provider speaks. */
export type WireApi = "responses" | "chat";

/** What a provider does with a request, byte by byte, and what has to come of it. */
export interface WireCase {
  readonly name: string;
  readonly behave: Behaviour;
  /** A failure, which the engine meets by asking `again` or not; or the whole answer. */
  readonly becomes: { readonly code: string; readonly asked: "once" | "again" } | { readonly text: string };
  /** How much patience with the provider the agent has; `long` by default. */
  readonly patience?: "short";
}

/** Milliseconds that a provider may be silent. */
export const patienceMs = { long: 60_000, short: 1_200 } as const;

/** Stands in every request, and in what a faulty provider says: it must turn up nowhere. */
export const secret = "sk-conformance-KEEP-THIS-SECRET-0123456789";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const half = "Half an ";

/** An error as OpenAI words it. */
const says = (code: string | null = null) => ({ error: { message: `Trouble with ${secret} here.`, type: "error", param: null, code } });

/** Sends these bytes as a stream that ends as if all were well. */
function streams(bytes: string): Behaviour {
  return (response) => {
    beginStream(response);
    response.end(bytes);
  };
}

/** Sends these bytes, and then nothing; what happens next is up to `then`. */
function begins(bytes: string, then: Behaviour = () => undefined): Behaviour {
  return (response, request) => {
    beginStream(response);
    response.write(bytes, () => void then(response, request));
  };
}

const once = (code: string) => ({ code, asked: "once" }) as const;
const again = (code: string) => ({ code, asked: "again" }) as const;

/** Answers of a document instead of a stream. */
const refusals: readonly WireCase[] = [
  { name: "status 400", becomes: once("PROVIDER_REJECTED"), behave: respondJson(400, says()) },
  { name: "status 401", becomes: once("PROVIDER_AUTH"), behave: respondJson(401, says()) },
  { name: "status 403", becomes: once("PROVIDER_AUTH"), behave: respondJson(403, says()) },
  { name: "status 404", becomes: once("PROVIDER_REJECTED"), behave: respondJson(404, says()) },
  { name: "status 408", becomes: again("PROVIDER_TIMEOUT"), behave: respondJson(408, says()) },
  { name: "status 429", becomes: again("PROVIDER_RATE_LIMITED"), behave: respondJson(429, says(), { "retry-after-ms": "1" }) },
  { name: "a quota that is used up", becomes: once("PROVIDER_RATE_LIMITED"), behave: respondJson(429, says("insufficient_quota")) },
  { name: "status 500", becomes: again("PROVIDER_FAILED"), behave: respondJson(500, says()) },
  {
    name: "status 502 with a page for people",
    becomes: again("PROVIDER_FAILED"),
    behave: (response) => void response.writeHead(502, { "content-type": "text/html" }).end("<html>Bad gateway</html>"),
  },
];

/** A provider that falls silent, and lines that break. */
function cuts(begin: string): readonly WireCase[] {
  const timeout = again("PROVIDER_TIMEOUT");
  const lost = again("CONNECTION_LOST");
  return [
    { name: "silence instead of an answer", becomes: timeout, patience: "short", behave: () => undefined },
    {
      name: "silence behind the headers",
      becomes: timeout,
      patience: "short",
      behave: (response) => void response.writeHead(500, { "content-type": "application/json" }).flushHeaders(),
    },
    { name: "silence within an answer", becomes: timeout, patience: "short", behave: begins(begin) },
    { name: "a connection that ends before the answer", becomes: lost, behave: (response) => void response.destroy() },
    {
      name: "a connection that is reset before the answer",
      becomes: lost,
      behave: (response) => void response.socket?.resetAndDestroy(),
    },
    {
      name: "a connection that ends within the answer",
      becomes: lost,
      behave: begins(begin, (response) => void setTimeout(() => response.destroy(), 20)),
    },
    {
      name: "a connection that is reset within the answer",
      becomes: lost,
      behave: begins(begin, (response) => void setTimeout(() => response.socket?.resetAndDestroy(), 20)),
    },
  ];
}

/** Streams whose status was 200 and that hold no whole answer. */
function brokenStreams(api: WireApi): readonly WireCase[] {
  const { begin, text, done } = plainAnswers[api];
  const within = begin + text(half);
  const reported = (code: string): string =>
    api === "responses"
      ? namedEvent({ type: "error", code, message: says().error.message, param: null })
      : `event: error\n${dataEvent(says(code))}`;
  const failed = { id: "resp_1", object: "response", status: "failed", output: [], error: { ...says().error, code: "server_error" } };
  const filtered = { ...failed, status: "incomplete", error: null, incomplete_details: { reason: "content_filter" } };
  const filter = { choices: [{ index: 0, delta: {}, finish_reason: "content_filter" }] };
  return [
    { name: "a stream that ends too soon", becomes: again("STREAM_TRUNCATED"), behave: streams(within + done) },
    { name: "a stream without an event", becomes: again("STREAM_TRUNCATED"), behave: streams("") },
    { name: "an event that is not JSON", becomes: again("PROVIDER_FAILED"), behave: streams(`${within}data: {"half":\n\n`) },
    { name: "an error within the stream", becomes: again("PROVIDER_FAILED"), behave: streams(within + reported("server_error")) },
    {
      name: "an error within the stream about its rate",
      becomes: again("PROVIDER_RATE_LIMITED"),
      behave: streams(within + reported("rate_limit_exceeded")),
    },
    api === "responses"
      ? {
          name: "an answer that the provider calls failed",
          becomes: again("PROVIDER_FAILED"),
          behave: streams(within + namedEvent({ type: "response.failed", response: failed })),
        }
      : {
          name: "an error in the place of a chunk",
          becomes: again("PROVIDER_FAILED"),
          behave: streams(within + dataEvent(says("server_error"))),
        },
    {
      name: "an answer that the provider's filter stopped",
      becomes: once("PROVIDER_REJECTED"),
      behave: streams(
        within + (api === "responses" ? namedEvent({ type: "response.incomplete", response: filtered }) : dataEvent(filter) + done),
      ),
    },
  ];
}

/** What is unusual and no fault. */
function oddities(api: WireApi): readonly WireCase[] {
  const { begin, text, end, done } = plainAnswers[api];
  const short = begin + text("All of it.") + end;
  const becomes = { text: "All of it." };
  const words = ["A ", "word ", "now ", "and ", "then."];
  const signs = "Grüße 🎈 из 東京";
  return [
    {
      name: "comments that keep the line open",
      becomes,
      behave: streams(`: ping\n\n${begin}: ping\n\n${text("All of it.")}:\n\n${end}${done}`),
    },
    { name: "lines that end as on Windows", becomes, behave: streams((short + done).replaceAll("\n", "\r\n")) },
    { name: "a stream without [DONE]", becomes, behave: streams(short) },
    {
      name: "a connection that breaks behind the last word",
      becomes,
      behave: begins(short, (response) => void setTimeout(() => response.destroy(), 20)),
    },
    {
      name: "headers that take their time",
      becomes,
      behave: async (response, request) => {
        await pause(patienceMs.short / 2);
        await streams(short + done)(response, request);
      },
    },
    {
      name: "words that take their time",
      becomes: { text: words.join("") },
      patience: "short",
      behave: begins(begin, async (response) => {
        for (const word of words) {
          await pause(patienceMs.short / 4);
          response.write(text(word));
        }
        response.end(end + done);
      }),
    },
    {
      name: "characters that come in halves",
      becomes: { text: signs },
      behave: async (response) => {
        beginStream(response);
        for (const byte of Buffer.from(begin + text(signs) + end + done)) {
          response.write(Buffer.of(byte));
          if (byte > 127) await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      },
    },
  ];
}

/** All that a provider may do over one of the two APIs. */
export function wireCases(api: WireApi): readonly WireCase[] {
  const { begin, text } = plainAnswers[api];
  return [...refusals, ...brokenStreams(api), ...cuts(begin + text(half)), ...oddities(api)];
}
