import { createParser } from "eventsource-parser";
import type { NativeEvent } from "../answer.ts";
import { answeredOtherwise, notJson, streamFailure, type Blame } from "../errors.ts";
import { isFields, words, type Fields } from "./text.ts";

/** How long the end of a body may come behind the end of its answer, in milliseconds. */
const patienceMs = 1_000;
/** The most of an answer that comes as one document, in characters. */
const longestDocument = 32 * 2 ** 20;

/**
 * Reads the events off a response: all that came in one piece of its body at once, where the SDK's own stream takes an asynchronous step for
 * each. An answer that comes as one JSON document is one event; what is no object is passed over.
 *
 * @throws what {@link streamFailure} makes of a failure that the provider reports within the stream; PROVIDER_FAILED for an event that is not JSON;
 * PROVIDER_REJECTED for a page.
 */
export async function* eventBatches(response: Response, blame: Blame): AsyncGenerator<readonly NativeEvent[]> {
  const body = response.body?.getReader();
  if (!body) return;
  const answer = new Body(response, blame);
  const decoder = new TextDecoder();
  try {
    while (!answer.isDone) {
      const { value, done } = await body.read();
      const events = done ? answer.end() : answer.feed(decoder.decode(value, { stream: true }));
      if (events.length > 0) yield events;
      answer.throwIfFailed();
      if (done) return;
    }
  } finally {
    if (answer.isDone) void readOn(body);
    else void body.cancel().catch(() => undefined);
  }
}

/** The body of one answer, as it arrives. */
class Body {
  isDone = false;
  readonly #response: Response;
  readonly #blame: Blame;
  readonly #parser = createParser({ onEvent: (event) => this.#event(event) });
  #kind: "unknown" | "stream" | "document" = "unknown";
  #batch: NativeEvent[] = [];
  #failure: { readonly error: unknown } | undefined;
  #heard = 0;
  #text = "";

  constructor(response: Response, blame: Blame) {
    this.#response = response;
    this.#blame = blame;
  }

  feed(text: string): readonly NativeEvent[] {
    if (this.#kind === "stream") return this.#stream(text);
    this.#text += text;
    if (this.#text.length > longestDocument) throw this.#otherwise();
    const start = this.#text.replace(/^\uFEFF/, "").trimStart();
    if (this.#kind === "document" || start === "") return [];
    if (start.startsWith("<")) throw this.#otherwise();
    this.#kind = /^[{[]/.test(start) ? "document" : "stream";
    return this.#kind === "document" ? [] : this.#stream(this.#text);
  }

  end(): readonly NativeEvent[] {
    if (this.#kind === "document") return this.#document();
    const type = this.#response.headers.get("content-type") ?? "text/event-stream";
    if (this.#heard === 0 && this.#text.trim() !== "" && !type.includes("event-stream")) throw this.#otherwise();
    return [];
  }

  /** Asked once the events before a failure were given out. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #stream(text: string): readonly NativeEvent[] {
    if (this.#heard === 0 && this.#text.length < 1_000) this.#text = text;
    this.#batch = [];
    this.#parser.feed(text);
    return this.#batch;
  }

  #event({ event, data }: { readonly event?: string | undefined; readonly data: string }): void {
    if (this.isDone || this.#failure) return;
    this.#heard += 1;
    if (data.trim() === "[DONE]") this.isDone = true;
    else
      try {
        this.#take(JSON.parse(data), event);
      } catch (error) {
        this.#failure = { error: error instanceof SyntaxError ? this.#notJson(event, data, error) : error };
      }
  }

  #take(data: unknown, event?: string): void {
    if (isFields(data) && (event === "error" || reportsFailure(data))) throw streamFailure(reported(data), this.#blame);
    if (event === "error") throw streamFailure({ message: words(data) }, this.#blame);
    if (isFields(data)) this.#batch.push(data as unknown as NativeEvent);
  }

  #document(): readonly NativeEvent[] {
    this.#batch = [];
    let data: unknown;
    try {
      data = JSON.parse(this.#text.replace(/^\uFEFF/, ""));
    } catch (error) {
      throw notJson(this.#blame, error);
    }
    for (const each of Array.isArray(data) ? (data as unknown[]) : [data]) this.#take(each);
    return this.#batch;
  }

  #notJson(event: string | undefined, data: string, error: SyntaxError): Error {
    return event === "error" ? streamFailure({ message: data }, this.#blame) : notJson(this.#blame, error);
  }

  #otherwise(): Error {
    return answeredOtherwise(this.#response.headers.get("content-type"), this.#text, this.#blame);
  }
}

/** Whether an event is a failure by one of the ways in which servers word it. */
function reportsFailure(data: Fields): boolean {
  const { error, object, type, choices, message, detail } = data;
  if (error !== undefined && error !== null && error !== false && error !== "" && !isAnswer(data)) return true;
  if (object === "error" || type === "error") return true;
  return choices === undefined && type === undefined && object === undefined && [message, detail].some((each) => typeof each === "string");
}

/** A response as a document has a field for its error, which is the reader's to look at. */
function isAnswer({ object, output }: Fields): boolean {
  return object === "response" && output !== undefined;
}

function reported(data: Fields) {
  const error = isFields(data["error"]) ? data["error"] : data;
  const message = [error["message"], data["error"], data["message"], data["detail"]].find((each) => typeof each === "string");
  return { code: error["code"] ?? data["code"], type: error["type"] ?? data["type"], status: error["status"], message: words(message) };
}

/** A connection can serve the next answer only if this one's was read to its end; a server that does not end it is not waited for. */
async function readOn(body: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const late = setTimeout(() => void body.cancel().catch(() => undefined), patienceMs);
  try {
    while (!(await body.read()).done);
  } catch {
    // Nobody asks for it any more.
  } finally {
    clearTimeout(late);
  }
}
