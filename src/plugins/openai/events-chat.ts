import type { ChatCompletionChunk } from "openai/resources/chat/completions";
import type { TokenUsage } from "#weftline";
import { Parts, type AnswerEnd, type AnswerPiece, type AnswerReader, type NativeEvent } from "./answer.ts";

type Delta = ChatCompletionChunk.Choice.Delta & {
  /** Not OpenAI's own: DeepSeek, vLLM and others send reasoning so, or as `reasoning`. */
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
};

const reasons = { stop: "stop", length: "length", tool_calls: "tools", function_call: "tools", content_filter: "filter" } as const;

/** Reads an answer of Chat Completions, OpenAI's or a compatible server's. */
export function createChatReader(): AnswerReader {
  const parts = new Parts();
  /** The call that fragments with this index belong to now. */
  const current = new Map<number, { readonly key: string; readonly id: string }>();
  let calls = 0;
  let end: AnswerEnd = {};

  const read = (chunk: ChatCompletionChunk): readonly AnswerPiece[] => {
    const choice = chunk.choices?.[0];
    if (chunk.id && end.id === undefined) end = { ...end, id: chunk.id };
    if (chunk.usage) end = { ...end, usage: usageOf(chunk.usage) };
    if (!choice) return [];
    const pieces: AnswerPiece[] = [];
    const delta = (choice.delta ?? {}) as Delta;
    const thought = delta.reasoning_content ?? delta.reasoning;
    const said = delta.content || delta.refusal;
    if (thought) pieces.push({ kind: "text", part: parts.open("reasoning").part, channel: "REASONING", text: thought });
    if (said) pieces.push({ kind: "text", part: parts.open("text").part, channel: "TEXT", text: said });
    for (const [place, call] of (delta.tool_calls ?? []).entries()) fragment(call, place, pieces);
    if (delta.refusal) end = { ...end, refused: true };
    if (choice.finish_reason) end = { ...end, ...endOf(choice.finish_reason) };
    return pieces;
  };

  const fragment = (call: ChatCompletionChunk.Choice.Delta.ToolCall, place: number, pieces: AnswerPiece[]): void => {
    const index = call.index ?? place;
    let known = current.get(index);
    // Some servers give all calls of an answer the same index: then a new id begins a new call.
    if (!known || (call.id && call.id !== known.id)) {
      known = { key: `call/${calls++}`, id: call.id ?? "" };
      current.set(index, known);
      pieces.push({ kind: "call", part: parts.open(known.key).part, callId: known.id, name: call.function?.name ?? "" });
    }
    const written = call.function?.arguments;
    if (written) pieces.push({ kind: "arguments", part: parts.open(known.key).part, text: written });
  };
  return { read: read as (event: NativeEvent) => readonly AnswerPiece[], end: () => end };
}

/** OpenRouter ends so what a provider behind it gave up; a reason that is not known is an end like another. */
function endOf(reason: string): AnswerEnd {
  if (reason === "error") return { failure: { code: undefined, message: "It gave no reason." } };
  return { reason: reasons[reason as keyof typeof reasons] ?? "stop" };
}

function usageOf(usage: NonNullable<ChatCompletionChunk["usage"]>): TokenUsage {
  const cached = usage.prompt_tokens_details?.cached_tokens;
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  return {
    inputTokens: usage.prompt_tokens,
    outputTokens: usage.completion_tokens,
    ...(cached == null ? {} : { cachedInputTokens: cached }),
    ...(reasoning == null ? {} : { reasoningTokens: reasoning }),
  };
}
