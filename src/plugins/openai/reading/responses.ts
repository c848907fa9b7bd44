import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { AnswerEnd, AnswerPiece, AnswerReader, NativeEvent } from "../answer.ts";
import { CallAssembler } from "./calls.ts";
import { Pieces } from "./pieces.ts";
import { entriesOf, fieldsOf, spoken, words, type Fields, type Spoken } from "./text.ts";
import { reportedUsage } from "./token-usage.ts";

/** Reads an answer of the Responses API. Events of tools that the provider runs itself are passed over: none is ever asked for. */
export function createResponsesReader(): AnswerReader {
  return new ResponsesReader();
}

type Channel = Spoken["channel"];

/** Which texts events hold: more of one, or all of it. */
const texts: Readonly<Record<string, readonly [says: "more" | "all", channel: Channel, field: string, kind: string, place: string]>> = {
  "response.output_text.delta": ["more", "TEXT", "delta", "text", "content_index"],
  "response.output_text.done": ["all", "TEXT", "text", "text", "content_index"],
  "response.refusal.delta": ["more", "TEXT", "delta", "text", "content_index"],
  "response.refusal.done": ["all", "TEXT", "refusal", "text", "content_index"],
  "response.reasoning_text.delta": ["more", "REASONING", "delta", "reasoning", "content_index"],
  "response.reasoning_text.done": ["all", "REASONING", "text", "reasoning", "content_index"],
  "response.reasoning_summary_text.delta": ["more", "REASONING", "delta", "summary", "summary_index"],
  "response.reasoning_summary_text.done": ["all", "REASONING", "text", "summary", "summary_index"],
};

class ResponsesReader implements AnswerReader {
  readonly #pieces = new Pieces();
  readonly #calls = new CallAssembler(this.#pieces);
  #items: readonly Fields[] = [];
  /** Each text as it came, so that one that is said to be all of it adds only what was left out. */
  readonly #known = new Map<string, string>();
  readonly #heard = new Set<Channel>();
  #end: AnswerEnd = {};
  #refused = false;

  read(native: NativeEvent): readonly AnswerPiece[] {
    const event = native as unknown as Fields;
    const type = words(event["type"]);
    const text = texts[type];
    if (text) {
      if (type.startsWith("response.refusal")) this.#refused = true;
      const [says, channel, field, kind, place] = text;
      const key = `${event["output_index"]}/${kind}/${event[place]}`;
      return says === "more" ? this.#more(key, channel, event[field]) : this.#all(key, channel, event[field]);
    }
    const index = event["output_index"];
    switch (type) {
      case "response.output_item.added":
        return this.#call(index, fieldsOf(event["item"]));
      case "response.function_call_arguments.delta":
        return this.#calls.add({ index, arguments: event["delta"] });
      case "response.function_call_arguments.done":
        return this.#written(index, event["arguments"]);
      case "response.output_item.done":
        this.#items = [...this.#items, fieldsOf(event["item"])];
        return this.#item(index, fieldsOf(event["item"]));
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        return this.#finish(fieldsOf(event["response"]), type);
      case "error":
        this.#end = { failure: { code: event["code"], message: words(event["message"]) } };
        return [];
      default:
        // A server that does not stream sends the response alone.
        return Array.isArray(event["output"]) ? this.#finish(event, "") : [];
    }
  }

  rest(): readonly AnswerPiece[] {
    return [...this.#calls.rest(), ...this.#pieces.rest()];
  }

  end(): AnswerEnd {
    return this.#refused && this.#end.reason !== undefined ? { ...this.#end, refused: true } : this.#end;
  }

  #more(key: string, fallback: Channel, content: unknown): AnswerPiece[] {
    return spoken(content, fallback).flatMap(({ channel, text }) => {
      const own = channel === fallback ? key : `${key}/${channel}`;
      this.#known.set(own, (this.#known.get(own) ?? "") + text);
      this.#heard.add(channel);
      return this.#pieces.text(own, channel, text);
    });
  }

  #all(key: string, channel: Channel, content: unknown): AnswerPiece[] {
    const whole = spoken(content, channel)
      .map(({ text }) => text)
      .join("");
    return this.#more(key, channel, beyond(this.#known.get(key) ?? "", whole));
  }

  #call(index: unknown, item: Fields): AnswerPiece[] {
    if (item["type"] !== "function_call") return [];
    return this.#calls.add({ index, id: item["call_id"] ?? item["id"], name: item["name"] });
  }

  #written(index: unknown, args: unknown): AnswerPiece[] {
    const text = typeof args === "string" || args == null ? words(args) : JSON.stringify(args);
    return this.#calls.add({ index, arguments: beyond(this.#calls.written(index), text) });
  }

  /** What an item that is complete holds beyond what was told of it. */
  #item(index: unknown, item: Fields): AnswerPiece[] {
    if (item["type"] === "function_call") return [...this.#call(index, item), ...this.#written(index, item["arguments"])];
    const inside = (kind: string, channel: Channel, content: unknown): AnswerPiece[] =>
      content == null ? [] : entriesOf(content).flatMap((each, place) => this.#all(`${index}/${kind}/${place}`, channel, each));
    if (item["type"] === "message") {
      if (entriesOf(item["content"]).some(({ refusal }) => words(refusal) !== "")) this.#refused = true;
      return typeof item["content"] === "string"
        ? this.#all(`${index}/text/0`, "TEXT", item["content"])
        : inside("text", "TEXT", item["content"]);
    }
    if (item["type"] !== "reasoning") return [];
    return [...inside("summary", "REASONING", item["summary"]), ...inside("reasoning", "REASONING", item["content"])];
  }

  #finish(response: Fields, type: string): AnswerPiece[] {
    const output = entriesOf(response["output"] ?? []);
    const pieces = this.#unheard(output);
    if (output.length > this.#items.length) this.#items = output;
    const id = words(response["id"]);
    const usage = reportedUsage(response["usage"]);
    const known = { ...(id === "" ? {} : { id }), ...(usage ? { usage } : {}) };
    this.#end = { ...known, ...this.#ended(response, type) };
    return pieces;
  }

  #ended(response: Fields, type: string): AnswerEnd {
    const { status } = response;
    if (type === "response.failed" || status === "failed" || status === "cancelled") {
      const { code, message } = fieldsOf(response["error"]);
      return { failure: { code, message: words(message) || "It gave no reason." } };
    }
    if (type === "response.incomplete" || status === "incomplete") {
      const { reason } = fieldsOf(response["incomplete_details"]);
      return { reason: reason === "content_filter" ? "filter" : "length" };
    }
    const items = this.#items.filter((item) => ["reasoning", "message", "function_call"].includes(words(item["type"])));
    const sealed = items.some((item) => item["type"] === "reasoning" && item["encrypted_content"]);
    return {
      reason: this.#calls.count > 0 ? "tools" : "stop",
      ...(sealed ? { native: { api: "responses" as const, items: items as unknown as readonly ResponseInputItem[] } } : {}),
    };
  }

  /** What the end holds and no event before it told. */
  #unheard(output: readonly Fields[]): AnswerPiece[] {
    const wanted = (item: Fields): boolean => {
      if (item["type"] === "function_call") return this.#calls.count === 0;
      return !this.#heard.has(item["type"] === "reasoning" ? "REASONING" : "TEXT");
    };
    const missing = output.map((item, index) => [item, index] as const).filter(([item]) => wanted(item));
    return missing.flatMap(([item, index]) => this.#item(index, item));
  }
}

function beyond(known: string, whole: string): string {
  return whole.startsWith(known) ? whole.slice(known.length) : "";
}
