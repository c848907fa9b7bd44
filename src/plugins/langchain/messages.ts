import type { AIMessage, BaseMessage, ContentBlock, ToolMessage } from "@langchain/core/messages";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import { outcomeText, type ConversationMessage, type ToolOutcome } from "#weftline";
import { argumentsText, inputContent, type LoadedFile, type LoadedFiles, type ToolNames } from "#plugins/openai";
import type { LangChainSdk } from "./sdk.ts";

type AssistantMessage = Extract<ConversationMessage, { role: "ASSISTANT" }>;

/** What conversions need. */
export interface MessageMaking {
  readonly sdk: Pick<LangChainSdk, "messages">;
  readonly names: ToolNames;
  /** The files of the conversation; none by default. */
  readonly files?: LoadedFiles;
  /** What OpenAI wrote for an answer of this run, where it has to be sent back so. */
  readonly native?: (message: AssistantMessage) => readonly ResponseInputItem[] | undefined;
}

/** A conversation as LangChain's messages: an answer with calls is followed by what came of those that were made. */
export function toMessages(conversation: readonly ConversationMessage[], making: MessageMaking): BaseMessage[] {
  const { HumanMessage, SystemMessage } = making.sdk.messages;
  return conversation.flatMap((message): BaseMessage[] => {
    if (message.role === "ASSISTANT") return [toAnswer(message, making, making.native?.(message)), ...toResults(message, making)];
    const content = inputContent(message, making.files ?? new Map(), contentOf);
    // The system's messages hold text only, so what is none is said by the user.
    return [message.role === "SYSTEM" && typeof content === "string" ? new SystemMessage(content) : new HumanMessage({ content })];
  });
}

/** A part as LangChain takes it for both of OpenAI's APIs. */
function contentOf(part: LoadedFile): ContentBlock {
  if (part.kind === "text") return { type: "text", text: part.text };
  if (part.kind === "image") return { type: "image_url", image_url: { url: part.url } };
  const [, mimeType, data] = /^data:([^;]*);base64,(.*)$/s.exec(part.url) ?? [];
  return { type: "file", source_type: "base64", mime_type: mimeType, data, metadata: { filename: part.name } };
}

/**
 * An answer as LangChain's message.
 *
 * @param native the answer as OpenAI wrote it, where it has to be sent back so.
 */
export function toAnswer(
  { text, toolCalls }: Pick<AssistantMessage, "text" | "toolCalls">,
  { sdk, names }: MessageMaking,
  native?: readonly ResponseInputItem[],
): AIMessage {
  return new sdk.messages.AIMessage({
    content: text,
    tool_calls: toolCalls.map(({ callId, name, arguments: args }) => ({
      type: "tool_call" as const,
      id: callId,
      name: names.toWire(name),
      args: JSON.parse(argumentsText(args)) as Record<string, unknown>,
    })),
    ...(native ? { response_metadata: { output: native } } : {}),
  });
}

/** What came of an answer's calls, as messages; calls without an outcome were not made, and the model is told so. */
function toResults({ toolCalls }: AssistantMessage, making: MessageMaking): BaseMessage[] {
  return toolCalls.map(({ callId, name, outcome }) => toResult({ id: callId, name: making.names.toWire(name) }, outcome, making));
}

/** What came of a call as LangChain's message. */
export function toResult(
  call: { readonly id: string; readonly name: string },
  outcome: ToolOutcome | undefined,
  { sdk }: Pick<MessageMaking, "sdk">,
): ToolMessage {
  const status = outcome?.status === "SUCCESS" ? "success" : "error";
  return new sdk.messages.ToolMessage({ tool_call_id: call.id, name: call.name, content: outcomeText(outcome), status });
}
