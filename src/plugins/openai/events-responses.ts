import type { Response, ResponseInputItem, ResponseOutputItem, ResponseStreamEvent } from "openai/resources/responses/responses";
import type { TokenUsage } from "#weftline";
import { Parts, type AnswerEnd, type AnswerPiece, type AnswerReader, type NativeEvent } from "./answer.ts";

/** Reads an answer of the Responses API. Events of tools that the provider runs itself are passed over: none is ever asked for. */
export function createResponsesReader(): AnswerReader {
  const parts = new Parts();
  const items: ResponseOutputItem[] = [];
  let end: AnswerEnd = {};
  let refused: true | undefined;

  const delta = (key: string, channel: "TEXT" | "REASONING", text: string): AnswerPiece[] => {
    if (text === "") return [];
    const part = parts.open(key);
    part.text += text;
    return [{ kind: "text", part: part.part, channel, text }];
  };
  /** What a final text holds beyond its deltas; some servers send no deltas. */
  const rest = (key: string, channel: "TEXT" | "REASONING", whole: string): AnswerPiece[] =>
    delta(key, channel, beyond(parts.get(key)?.text ?? "", whole));

  const call = (index: number, item: ResponseOutputItem): AnswerPiece[] => {
    if (item.type !== "function_call" || parts.get(`${index}/call`)) return [];
    return [{ kind: "call", part: parts.open(`${index}/call`).part, callId: item.call_id ?? "", name: item.name }];
  };
  const written = (index: number, text: string): AnswerPiece[] => {
    const part = parts.get(`${index}/call`);
    if (!part || text === "") return [];
    part.text += text;
    return [{ kind: "arguments", part: part.part, text }];
  };

  const read = (event: ResponseStreamEvent): readonly AnswerPiece[] => {
    switch (event.type) {
      case "response.refusal.delta":
        refused = true;
        return delta(`${event.output_index}/${event.content_index}`, "TEXT", event.delta);
      case "response.output_text.delta":
        return delta(`${event.output_index}/${event.content_index}`, "TEXT", event.delta);
      case "response.output_text.done":
        return rest(`${event.output_index}/${event.content_index}`, "TEXT", event.text);
      case "response.refusal.done":
        refused = true;
        return rest(`${event.output_index}/${event.content_index}`, "TEXT", event.refusal);
      case "response.reasoning_summary_text.delta":
        return delta(`${event.output_index}/summary/${event.summary_index}`, "REASONING", event.delta);
      case "response.reasoning_summary_text.done":
        return rest(`${event.output_index}/summary/${event.summary_index}`, "REASONING", event.text);
      case "response.reasoning_text.delta":
        return delta(`${event.output_index}/reasoning/${event.content_index}`, "REASONING", event.delta);
      case "response.reasoning_text.done":
        return rest(`${event.output_index}/reasoning/${event.content_index}`, "REASONING", event.text);
      case "response.output_item.added":
        return call(event.output_index, event.item);
      case "response.function_call_arguments.delta":
        return written(event.output_index, event.delta);
      case "response.function_call_arguments.done":
        return written(event.output_index, beyond(parts.get(`${event.output_index}/call`)?.text ?? "", event.arguments));
      case "response.output_item.done": {
        items.push(event.item);
        if (event.item.type !== "function_call") return [];
        const begun = call(event.output_index, event.item);
        return [
          ...begun,
          ...written(event.output_index, beyond(parts.get(`${event.output_index}/call`)?.text ?? "", event.item.arguments)),
        ];
      }
      case "response.completed":
      case "response.incomplete":
      case "response.failed":
        end = { ...endOf(event.response, event.type, items), ...(refused ? { refused } : {}) };
        return [];
      case "error":
        end = { failure: { code: event.code ?? undefined, message: event.message } };
        return [];
      default:
        return [];
    }
  };
  return { read: read as (event: NativeEvent) => readonly AnswerPiece[], end: () => end };
}

function beyond(known: string, whole: string | undefined): string {
  return whole !== undefined && whole.startsWith(known) ? whole.slice(known.length) : "";
}

function endOf(response: Response, type: string, items: readonly ResponseOutputItem[]): AnswerEnd {
  const { id, error, incomplete_details: cut } = response;
  const usage = response.usage ? { usage: usageOf(response.usage) } : {};
  const known = { ...(id ? { id } : {}), ...usage };
  if (type === "response.failed" || response.status === "failed") {
    return { ...known, failure: { code: error?.code, message: error?.message ?? "It gave no reason." } };
  }
  if (type === "response.incomplete" || response.status === "incomplete") {
    return { ...known, reason: cut?.reason === "content_filter" ? "filter" : "length" };
  }
  const native = items.filter((item) => item.type === "reasoning" || item.type === "message" || item.type === "function_call");
  const thoughts = native.some((item) => item.type === "reasoning" && item.encrypted_content);
  return {
    ...known,
    reason: native.some((item) => item.type === "function_call") ? "tools" : "stop",
    ...(thoughts ? { native: native as readonly ResponseInputItem[] } : {}),
  };
}

function usageOf(usage: NonNullable<Response["usage"]>): TokenUsage {
  const cached = usage.input_tokens_details?.cached_tokens;
  const reasoning = usage.output_tokens_details?.reasoning_tokens;
  return {
    inputTokens: usage.input_tokens,
    outputTokens: usage.output_tokens,
    ...(cached == null ? {} : { cachedInputTokens: cached }),
    ...(reasoning == null ? {} : { reasoningTokens: reasoning }),
  };
}
