import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { AnswerEnd, AnswerPiece, AnswerReader, NativeEvent } from "../answer.ts";
import { CallAssembler } from "./calls.ts";
import { ItemPlaces } from "./items/item-places.ts";
import { ItemTexts, type TextPlace } from "./items/item-texts.ts";
import { Pieces } from "./pieces.ts";
import { beyond, entriesOf, fieldsOf, words, type Fields } from "./text.ts";
import { reportedUsage } from "./token-usage.ts";

/** Reads an answer of the Responses API. Events of tools that the provider runs itself are passed over: none is ever asked for. */
export function createResponsesReader(): AnswerReader {
  return new ResponsesReader();
}

/** Which texts events hold: more of a part, or all of it. */
const texts: Readonly<Record<string, readonly [says: "more" | "part", field: string, kind: TextPlace["kind"], place: string]>> = {
  "response.output_text.delta": ["more", "delta", "text", "content_index"],
  "response.output_text.done": ["part", "text", "text", "content_index"],
  "response.refusal.delta": ["more", "delta", "text", "content_index"],
  "response.refusal.done": ["part", "refusal", "text", "content_index"],
  "response.reasoning_text.delta": ["more", "delta", "reasoning", "content_index"],
  "response.reasoning_text.done": ["part", "text", "reasoning", "content_index"],
  "response.reasoning_summary_text.delta": ["more", "delta", "summary", "summary_index"],
  "response.reasoning_summary_text.done": ["part", "text", "summary", "summary_index"],
  "response.reasoning_summary_part.done": ["part", "part", "summary", "summary_index"],
};

class ResponsesReader implements AnswerReader {
  readonly #pieces = new Pieces();
  readonly #calls = new CallAssembler(this.#pieces);
  readonly #texts = new ItemTexts(this.#pieces);
  readonly #places = new ItemPlaces();
  #items: Fields[] = [];
  #end: AnswerEnd = {};
  #refused = false;

  read(native: NativeEvent): readonly AnswerPiece[] {
    const event = native as unknown as Fields;
    const type = words(event["type"]);
    const text = texts[type];
    if (text) {
      if (type.startsWith("response.refusal")) this.#refused = true;
      const [says, field, kind, place] = text;
      return this.#texts[says]({ item: this.#places.of(event), kind, part: event[place] }, event[field]);
    }
    switch (type) {
      case "response.output_item.added":
        return this.#call(this.#places.added(event), fieldsOf(event["item"]));
      case "response.content_part.done":
        return this.#part(event);
      case "response.function_call_arguments.delta":
        return this.#calls.add({ index: this.#places.of(event), arguments: event["delta"] });
      case "response.function_call_arguments.done":
        return this.#written(this.#places.of(event), event["arguments"]);
      case "response.output_item.done":
        this.#items.push(fieldsOf(event["item"]));
        return this.#item(this.#places.done(event), fieldsOf(event["item"]));
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

  #call(index: number, item: Fields): AnswerPiece[] {
    if (item["type"] !== "function_call") return [];
    return this.#calls.add({ index, id: item["call_id"] ?? item["id"], name: item["name"] });
  }

  #written(index: number, args: unknown): AnswerPiece[] {
    const text = typeof args === "string" || args == null ? words(args) : JSON.stringify(args);
    return this.#calls.add({ index, arguments: beyond(this.#calls.written(index), text) });
  }

  #part(event: Fields): AnswerPiece[] {
    const part = fieldsOf(event["part"]);
    if (words(part["refusal"]) !== "") this.#refused = true;
    const kind = part["type"] === "reasoning_text" ? "reasoning" : "text";
    return this.#texts.part({ item: this.#places.of(event), kind, part: event["content_index"] }, part);
  }

  /** What an item that is complete holds beyond what was told of it. */
  #item(index: number, item: Fields): AnswerPiece[] {
    const call = item["type"] === "function_call" ? [...this.#call(index, item), ...this.#written(index, item["arguments"])] : [];
    return [...call, ...this.#texts.whole(this.#partsOf(item, index), index)];
  }

  #partsOf(item: Fields, index: number): (readonly [TextPlace, unknown])[] {
    const of = (kind: TextPlace["kind"], content: unknown) =>
      [content ?? []].flat().map((each, part) => [{ item: index, kind, part }, each] as const);
    if (item["type"] === "message") {
      if (entriesOf(item["content"]).some(({ refusal }) => words(refusal) !== "")) this.#refused = true;
      return of("text", item["content"]);
    }
    return item["type"] === "reasoning" ? [...of("summary", item["summary"]), ...of("reasoning", item["content"])] : [];
  }

  #finish(response: Fields, type: string): AnswerPiece[] {
    const output = entriesOf(response["output"] ?? []);
    const pieces = this.#unheard(response, output);
    if (output.length > this.#items.length) this.#items = [...output];
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
  #unheard(response: Fields, output: readonly Fields[]): AnswerPiece[] {
    const parts = output.flatMap((item, index) => this.#partsOf(item, index));
    const calls = output.flatMap((item, index) => (item["type"] === "function_call" ? [[item, index] as const] : []));
    const missing = calls.length > this.#calls.count ? calls.filter(([{ call_id, id }]) => !this.#calls.has(words(call_id ?? id))) : [];
    const said = [...this.#texts.whole(parts), ...missing.flatMap(([item, index]) => this.#item(index, item))];
    // Some servers send what the SDK makes of the output.
    const place = { item: output.length, kind: "text", part: 0 } as const;
    return this.#texts.has("TEXT") ? said : [...said, ...this.#texts.part(place, response["output_text"])];
  }
}
