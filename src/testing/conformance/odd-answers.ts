import { beginStream, dataEvent, namedEvent, plainAnswers, respondJson, type Behaviour } from "../provider-server.ts";
import { oddParts } from "./odd-parts.ts";
import type { WireApi, WireCase } from "./wire.ts";

const becomes = { text: "All of it." };
const once = (code: string) => ({ code, asked: "once" }) as const;
const again = (code: string) => ({ code, asked: "again" }) as const;

function streams(...events: readonly string[]): Behaviour {
  return (response) => {
    beginStream(response);
    response.end(events.join(""));
  };
}

const chunk = (delta: unknown, reason: string | null = null): string =>
  dataEvent({ id: "c", choices: [{ index: 0, delta, finish_reason: reason }] });
const counted = (usage: unknown): string => dataEvent({ id: "c", choices: [], usage });

/** Counts that are none, each in the place of both. */
const noCounts: readonly unknown[] = [null, undefined, "many", 0.5, -1];
const said = { role: "assistant", content: "All of it." };

function chatAnswers(): readonly WireCase[] {
  const end = chunk({}, "stop");
  return [
    ...noCounts.map((count) => ({
      name: `counts of tokens that are ${String(count).replace(".", " point ")}`,
      becomes,
      behave: streams(chunk(said), end, counted({ prompt_tokens: count, completion_tokens: count, total_tokens: 5 })),
    })),
    {
      name: "text and thoughts that come as blocks",
      becomes,
      behave: streams(
        chunk({ content: [{ type: "thinking", thinking: [{ type: "text", text: "hm" }] }] }),
        chunk({ content: [{ type: "text", text: "All " }] }),
        chunk({ content: "of it." }),
        end,
      ),
    },
    { name: "half of a character", becomes: { text: "cut \uFFFD" }, behave: streams(chunk({ content: "cut \ud83d" }), end) },
    {
      name: "a character in two deltas",
      becomes: { text: "one 😀" },
      behave: streams(chunk({ content: "one \ud83d" }), chunk({ content: "\ude00" }), end),
    },
    {
      name: "chunks that are no objects",
      becomes,
      behave: streams(
        "data: null\n\n",
        "data: 7\n\n",
        chunk(said),
        chunk({ tool_calls: [null] }),
        chunk(null),
        dataEvent({ choices: [null] }),
        end,
      ),
    },
    {
      name: "a second choice beside the first",
      becomes,
      behave: streams(chunk(said), dataEvent({ choices: [{ index: 1, delta: { content: "SECOND" } }] }), end),
    },
    {
      name: "a document in place of a stream",
      becomes,
      behave: respondJson(200, { id: "c", choices: [{ index: 0, message: said, finish_reason: "stop" }] }),
    },
    {
      name: "a message that repeats its deltas",
      becomes,
      behave: streams(
        chunk({ content: "All " }),
        chunk({ content: "of it." }),
        dataEvent({ id: "c", choices: [{ index: 0, message: said, finish_reason: "stop" }] }),
      ),
    },
    {
      name: "a message that ends what its deltas began",
      becomes,
      behave: streams(chunk({ content: "All " }), dataEvent({ id: "c", choices: [{ index: 0, message: said, finish_reason: "stop" }] })),
    },
    {
      name: "tokens that are counted and text that is nowhere",
      becomes: again("PROVIDER_FAILED"),
      behave: streams(chunk({ hologram: "All of it." }), end, counted({ prompt_tokens: 1, completion_tokens: 9 })),
    },
  ];
}

function responsesAnswers(): readonly WireCase[] {
  const { begin, text, end } = plainAnswers.responses;
  const output = [{ type: "message", role: "assistant", content: [{ type: "output_text", text: "All of it." }] }];
  const completed = (usage: unknown, more: object = {}): string =>
    namedEvent({ type: "response.completed", response: { id: "r", status: "completed", output: [], usage, ...more } });
  return [
    ...noCounts.map((count) => ({
      name: `counts of tokens that are ${String(count).replace(".", " point ")}`,
      becomes,
      behave: streams(begin, text("All of it."), completed({ input_tokens: count, output_tokens: count, total_tokens: 5 })),
    })),
    { name: "half of a character", becomes: { text: "cut \uFFFD" }, behave: streams(begin, text("cut \ud83d"), end) },
    { name: "a character in two deltas", becomes: { text: "one 😀" }, behave: streams(begin, text("one \ud83d"), text("\ude00"), end) },
    {
      name: "an answer that stands in its end alone",
      becomes,
      behave: streams(completed({ input_tokens: 1, output_tokens: 4 }, { output })),
    },
    { name: "events that are no objects", becomes, behave: streams(begin, "data: null\n\n", text("All of it."), "data: []\n\n", end) },
    {
      name: "a document in place of a stream",
      becomes,
      behave: respondJson(200, { id: "r", object: "response", status: "completed", error: null, output }),
    },
  ];
}

/** Failures that come in the place of an answer, the same over both APIs. */
function failures(api: WireApi): readonly WireCase[] {
  const { begin, text } = plainAnswers[api];
  const within = (error: unknown): Behaviour => streams(begin, text("Half an "), dataEvent({ error }));
  const message = "Slow down.";
  return [
    {
      name: "an error within the stream with a status as its code",
      becomes: again("PROVIDER_RATE_LIMITED"),
      behave: within({ code: 429, message }),
    },
    {
      name: "an error within the stream with a status as text",
      becomes: again("PROVIDER_FAILED"),
      behave: within({ code: "503", message }),
    },
    {
      name: "an error within the stream by its type",
      becomes: again("PROVIDER_FAILED"),
      behave: within({ type: "overloaded_error", message }),
    },
    { name: "an error within the stream that is text", becomes: again("PROVIDER_FAILED"), behave: within(message) },
    {
      name: "an error within the stream about the key",
      becomes: once("PROVIDER_AUTH"),
      behave: within({ type: "authentication_error", message }),
    },
    {
      name: "an error as a document with status 200",
      becomes: once("PROVIDER_REJECTED"),
      behave: respondJson(200, { error: { message: "The model is not there", type: "invalid_request_error", code: "model_not_found" } }),
    },
    {
      name: "a page in place of an answer",
      becomes: once("PROVIDER_REJECTED"),
      behave: (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><html>Welcome</html>"),
    },
  ];
}

/** Answers in shapes that providers really send, and failures that look like answers. */
export function oddAnswers(api: WireApi): readonly WireCase[] {
  return [...(api === "chat" ? chatAnswers() : [...responsesAnswers(), ...oddParts]), ...failures(api)];
}
