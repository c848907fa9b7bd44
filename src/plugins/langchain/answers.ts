import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type { ChatModelStreamEvent, FinishReason } from "@langchain/core/language_models/event";
import type { UsageMetadata } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import { plainJson } from "#weftline";
import { completeEnd, type AnswerPiece, type AnswerReader, type Blame, type CompleteEnd } from "#plugins/openai";
import type { LangChainSdk } from "./sdk.ts";

/** An answer of one of our models, as the plugin openai reads it. */
export interface SpokenAnswer {
  /** Of LangChain's message. */
  readonly id: string;
  readonly pieces: AsyncIterable<readonly AnswerPiece[]>;
  readonly reader: AnswerReader;
  readonly blame: Blame;
}

type Block =
  | { readonly type: "text"; text: string }
  | { readonly type: "reasoning"; reasoning: string }
  | { readonly type: "tool_call_chunk"; readonly id: string; readonly name: string; args: string };

const reasons: Readonly<Record<CompleteEnd["reason"], FinishReason>> = {
  stop: "stop",
  length: "length",
  tools: "tool_use",
  filter: "content_filter",
};

/** An answer as LangChain's streaming protocol. @throws what {@link completeEnd} does */
export async function* eventsOf({ id, pieces, reader, blame }: SpokenAnswer): AsyncGenerator<ChatModelStreamEvent> {
  const blocks = new Map<number, Block>();
  yield { event: "message-start", id };
  for await (const batch of pieces) for (const piece of batch) yield* eventsOfPiece(piece, blocks);
  const end = completeEnd(reader.end(), blame);
  for (const [index, block] of blocks) yield { event: "content-block-finish", index, content: finished(block) as never };
  const usage = usageOf(end);
  yield { event: "message-finish", reason: reasons[end.reason], ...(usage ? { usage } : {}) };
}

function* eventsOfPiece(piece: AnswerPiece, blocks: Map<number, Block>): Generator<ChatModelStreamEvent> {
  const index = piece.part;
  if (!blocks.has(index)) {
    const block = blockOf(piece);
    if (!block) return;
    blocks.set(index, block);
    yield { event: "content-block-start", index, content: { ...block } as never };
  }
  const block = blocks.get(index);
  if (piece.kind === "call" || !block) return;
  if (block.type === "text") {
    block.text += piece.text;
    yield { event: "content-block-delta", index, delta: { type: "text-delta", text: piece.text } };
  } else if (block.type === "reasoning") {
    block.reasoning += piece.text;
    yield { event: "content-block-delta", index, delta: { type: "reasoning-delta", reasoning: piece.text } };
  } else {
    block.args += piece.text;
    yield { event: "content-block-delta", index, delta: { type: "tool-call-delta", args: piece.text } };
  }
}

function blockOf(piece: AnswerPiece): Block | undefined {
  if (piece.kind === "call") return { type: "tool_call_chunk", id: piece.callId, name: piece.name, args: "" };
  if (piece.kind === "arguments") return undefined;
  return piece.channel === "TEXT" ? { type: "text", text: "" } : { type: "reasoning", reasoning: "" };
}

function finished(block: Block): object {
  if (block.type !== "tool_call_chunk") return block;
  const { id, name, args } = block;
  try {
    // What JSON cannot carry, or nests too deep, would fail whoever copies the message.
    return { type: "tool_call", id, name, args: plainJson(JSON.parse(args.trim() === "" ? "{}" : args)).value };
  } catch {
    return { type: "invalid_tool_call", id, name, args, error: "The arguments are not JSON." };
  }
}

/** The same as chunks of a message, each told to who listens to tokens. @throws what {@link completeEnd} does */
export async function* chunksOf(
  { messages, outputs }: Pick<LangChainSdk, "messages" | "outputs">,
  { id, pieces, reader, blame }: SpokenAnswer,
  run: CallbackManagerForLLMRun | undefined,
): AsyncGenerator<ChatGenerationChunk> {
  const tell = async (fields: object, text = ""): Promise<ChatGenerationChunk> => {
    const message = new messages.AIMessageChunk({ id, content: text, ...fields });
    const chunk = new outputs.ChatGenerationChunk({ message, text });
    await run?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk });
    return chunk;
  };
  for await (const batch of pieces) {
    for (const piece of batch) {
      if (piece.kind === "text" && piece.channel === "TEXT") yield await tell({}, piece.text);
      else if (piece.kind === "text") yield await tell({ additional_kwargs: { reasoning_content: piece.text } });
      else {
        const call = piece.kind === "call" ? { id: piece.callId, name: piece.name, args: "" } : { args: piece.text };
        yield await tell({ tool_call_chunks: [{ type: "tool_call_chunk", index: piece.part, ...call }] });
      }
    }
  }
  const end = completeEnd(reader.end(), blame);
  const usage = usageOf(end);
  yield await tell({ response_metadata: { finish_reason: reasons[end.reason] }, ...(usage ? { usage_metadata: usage } : {}) });
}

function usageOf({ usage }: CompleteEnd): UsageMetadata | undefined {
  if (!usage) return undefined;
  const { inputTokens = 0, outputTokens = 0 } = usage;
  return { input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}
