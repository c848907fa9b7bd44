import type { ChatModelStreamEvent, MessageFinishEvent } from "@langchain/core/language_models/event";
import type { UsageMetadata } from "@langchain/core/messages";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { TokenUsage } from "#weftline";
import { Parts, type AnswerEnd, type AnswerPiece, type AnswerReader } from "#plugins/openai";
import { refusal } from "./repaired-chunks.ts";

/** An event that our models send through LangChain: the provider's filter stopped an answer, which LangChain would call too long. */
export const filterEvent = "response.content_filter";

type Fields = Readonly<Record<string, unknown>>;

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
  readonly #parts = new Parts();
  readonly #blocks = new Map<string, Block>();
  /** What OpenAI wrote, by its place in the answer: to send back where it holds sealed thoughts. */
  readonly #items = new Map<number, ResponseInputItem | Block>();
  #end: AnswerEnd = {};

  end(): AnswerEnd {
    return this.#end;
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
            return this.#more(`${event.index}`, "text", event.delta.text);
          case "reasoning-delta":
            return this.#more(`${event.index}`, "reasoning", event.delta.reasoning);
          case "tool-call-delta":
            return this.#more(`${event.index}`, "call", event.delta.args);
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
    if (!block) this.#blocks.set(key, (block = { part: this.#parts.open(key).part, type, callId, name, text: "" }));
    return block;
  }

  #more(key: string, type: Block["type"], text: string): readonly AnswerPiece[] {
    if (text === "" || (type === "call" && !this.#blocks.has(key))) return [];
    const block = this.#open(key, type);
    block.text += text;
    if (type === "call") return [{ kind: "arguments", part: block.part, text }];
    return [{ kind: "text", part: block.part, channel: type === "text" ? "TEXT" : "REASONING", text }];
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
        return this.#rest(key, "text", words(content["text"]));
      case "reasoning":
        return this.#rest(key, "reasoning", words(content["reasoning"]));
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
    return [{ kind: "call", part: block.part, callId: block.callId, name: block.name }];
  }

  /** A complete call has its arguments parsed: that is of use only where nothing was told of them before. */
  #written(key: string, args: unknown): string {
    if (typeof args === "string") return args;
    if (args === undefined || this.#blocks.get(key)?.text !== "") return "";
    return JSON.stringify(args);
  }

  #provider(name: string, payload: Fields): readonly AnswerPiece[] {
    if (name === filterEvent) this.#end = { ...this.#end, reason: "filter" };
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
    const native = this.#native();
    this.#end = {
      ...this.#end,
      ...(ended === undefined ? {} : { reason: ended }),
      ...(usage ? { usage: usageOf(usage) } : {}),
      ...(native ? { native } : {}),
      ...(responseMetadata?.["finish_reason"] === refusal ? { refused: true as const } : {}),
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

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function usageOf(usage: Partial<UsageMetadata>): TokenUsage {
  const cached = usage.input_token_details?.cache_read;
  const reasoning = usage.output_token_details?.reasoning;
  return {
    inputTokens: usage.input_tokens ?? 0,
    outputTokens: usage.output_tokens ?? 0,
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
  };
}
