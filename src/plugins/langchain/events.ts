import type { ChatModelStreamEvent, MessageFinishEvent } from "@langchain/core/language_models/event";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import { Pieces, reportedUsage, spoken, words, type AnswerEnd, type AnswerPiece, type AnswerReader, type Fields } from "#plugins/openai";

/** A block of a message, as it grows. */
interface Block {
  readonly part: number;
  readonly type: "text" | "reasoning" | "call";
  readonly callId: string;
  readonly name: string;
  text: string;
}

const reasons: Readonly<Record<string, NonNullable<AnswerEnd["reason"]>>> = {
  stop: "stop",
  length: "length",
  tool_use: "tools",
  content_filter: "filter",
};

/** Events of OpenAI that LangChain hands on as they came: in which field is what they say, and whether it adds to a text or is all of it. */
const handedOn: Readonly<Record<string, readonly [type: "text" | "reasoning", field: string, says: "more" | "all"]>> = {
  "response.refusal.delta": ["text", "delta", "more"],
  "response.refusal.done": ["text", "refusal", "all"],
  "response.output_text.done": ["text", "text", "all"],
  "response.reasoning_text.delta": ["reasoning", "delta", "more"],
  "response.reasoning_text.done": ["reasoning", "text", "all"],
  "response.reasoning_summary_text.done": ["reasoning", "text", "all"],
};

/** Reads one answer of a LangChain chat model: the events of its streaming protocol, the same whatever the provider. */
export function createMessageReader(): AnswerReader<ChatModelStreamEvent> {
  return new MessageReader();
}

class MessageReader implements AnswerReader<ChatModelStreamEvent> {
  readonly #pieces = new Pieces();
  readonly #blocks = new Map<string, Block>();
  /** What OpenAI wrote, by its place in the answer: to send back where it holds sealed thoughts. */
  readonly #items = new Map<number, ResponseInputItem | Block>();
  #end: AnswerEnd = {};

  end(): AnswerEnd {
    return this.#end;
  }

  rest(): readonly AnswerPiece[] {
    return this.#pieces.rest();
  }

  read(event: ChatModelStreamEvent): readonly AnswerPiece[] {
    switch (event.event) {
      case "message-start":
        // LangChain makes up an id where the provider gave none.
        if (event.id && !event.id.startsWith("run-")) this.#end = { ...this.#end, id: event.id };
        return [];
      case "content-block-start":
      case "content-block-finish":
        return this.#content(`${event.index}`, event.content as unknown as Fields);
      case "content-block-delta":
        switch (event.delta.type) {
          case "text-delta":
            return this.#more(`${event.index}`, "text", textOf(event.delta.text));
          case "reasoning-delta":
            return this.#more(`${event.index}`, "reasoning", textOf(event.delta.reasoning));
          case "tool-call-delta":
            return this.#more(`${event.index}`, "call", words(event.delta.args));
          case "block-delta":
            return this.#content(`${event.index}`, event.delta.fields);
          default:
            return [];
        }
      case "provider":
        return this.#provider(event.name, event.payload as Fields);
      case "message-finish":
        this.#finish(event);
        return [];
      case "error":
        this.#end = { ...this.#end, failure: { code: event.code, message: event.message } };
        return [];
      default:
        return [];
    }
  }

  #open(key: string, type: Block["type"], callId = "", name = ""): Block {
    let block = this.#blocks.get(key);
    if (!block) this.#blocks.set(key, (block = { part: this.#pieces.partOf(key), type, callId, name, text: "" }));
    return block;
  }

  #more(key: string, type: Block["type"], text: string): readonly AnswerPiece[] {
    if (text === "" || (type === "call" && !this.#blocks.has(key))) return [];
    const block = this.#open(key, type);
    block.text += text;
    if (type === "call") return this.#pieces.arguments(key, text);
    return this.#pieces.text(key, type === "text" ? "TEXT" : "REASONING", text);
  }

  /** What a text that is said to be all of a block holds beyond what is known of it. */
  #rest(key: string, type: Block["type"], whole: string): readonly AnswerPiece[] {
    const known = this.#blocks.get(key)?.text ?? "";
    return whole.startsWith(known) ? this.#more(key, type, whole.slice(known.length)) : [];
  }

  /** A block as it stands: at its start, at its end, or with the whole of a call's arguments so far. */
  #content(key: string, content: Fields): readonly AnswerPiece[] {
    switch (content["type"]) {
      case "text":
        return this.#rest(key, "text", textOf(content["text"]));
      case "reasoning":
        return this.#rest(key, "reasoning", textOf(content["reasoning"]));
      case "tool_call":
      case "tool_call_chunk":
      case "invalid_tool_call":
        return [...this.#call(key, content), ...this.#rest(key, "call", this.#written(key, content["args"]))];
      default:
        return [];
    }
  }

  #call(key: string, { id, name, index }: Fields): readonly AnswerPiece[] {
    if (this.#blocks.has(key) || !words(name)) return [];
    const block = this.#open(key, "call", words(id), words(name));
    if (typeof index === "number") this.#items.set(index, block);
    return [this.#pieces.call(key, block.callId, block.name)];
  }

  /** A complete call has its arguments parsed: that is of use only where nothing was told of them before. */
  #written(key: string, args: unknown): string {
    if (typeof args === "string") return args;
    if (args === undefined || this.#blocks.get(key)?.text !== "") return "";
    return JSON.stringify(args);
  }

  #provider(name: string, payload: Fields): readonly AnswerPiece[] {
    if (name === "response.output_item.done") this.#items.set(Number(payload["output_index"]), payload["item"] as ResponseInputItem);
    if (name.startsWith("response.refusal.")) this.#end = { ...this.#end, refused: true };
    const said = handedOn[name];
    if (!said) return [];
    const [type, field, says] = said;
    const text = words(payload[field]);
    const key = `${payload["output_index"]}/${payload["content_index"] ?? payload["summary_index"]}/${name.replace(/\.\w+$/, "")}`;
    if (says === "more") return this.#more(key, type, text);
    const told = [...this.#blocks].findLast(([, block]) => block.type === type && block.text !== "" && text.startsWith(block.text));
    return this.#rest(told?.[0] ?? key, type, text);
  }

  #finish({ reason, usage, responseMetadata }: MessageFinishEvent): void {
    const called = [...this.#blocks.values()].some(({ type }) => type === "call");
    const named = reason === undefined ? undefined : (reasons[reason] ?? "stop");
    // Over Responses LangChain says `stop` also of an answer that is calls.
    const guessed = named === "stop" && called && responseMetadata?.["finish_reason"] === undefined;
    const ended = this.#end.reason ?? (guessed ? "tools" : named);
    const items = this.#native();
    const counted = reportedUsage(usage);
    this.#end = {
      ...this.#end,
      ...(ended === undefined ? {} : { reason: ended }),
      ...(counted ? { usage: counted } : {}),
      ...(responseMetadata?.["finish_reason"] === "refusal" ? { refused: true as const } : {}),
      ...(items ? { native: { api: "responses" as const, items } } : {}),
    };
  }

  #native(): readonly ResponseInputItem[] | undefined {
    const items = [...this.#items].toSorted(([a], [b]) => a - b).map(([, item]) => ("part" in item ? asItem(item) : item));
    const sealed = items.some((item) => item.type === "reasoning" && item.encrypted_content);
    return sealed ? items.filter(({ type }) => type === "reasoning" || type === "message" || type === "function_call") : undefined;
  }
}

function asItem({ callId, name, text }: Block): ResponseInputItem {
  return { type: "function_call", call_id: callId, name, arguments: text };
}

/** The text of a block, whatever its shape. */
function textOf(content: unknown): string {
  return spoken(content)
    .map(({ text }) => text)
    .join("");
}
