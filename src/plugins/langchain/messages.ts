import type { AIMessage, BaseMessage, ToolMessage } from "@langchain/core/messages";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { ConversationMessage, ToolOutcome } from "#weftline";
import { argumentsText, inputText, outcomeText, type ToolNames } from "#plugins/openai";
import type { LangChainSdk } from "./sdk.ts";

type AssistantMessage = Extract<ConversationMessage, { role: "ASSISTANT" }>;

/** What conversions need. */
export interface MessageMaking {
  readonly sdk: Pick<LangChainSdk, "messages">;
  readonly names: ToolNames;
}

/** A conversation as LangChain's messages: an answer with calls is followed by what came of those that were made. */
export function toMessages(conversation: readonly ConversationMessage[], making: MessageMaking): BaseMessage[] {
  const { HumanMessage, SystemMessage } = making.sdk.messages;
  return conversation.flatMap((message): BaseMessage[] => {
    if (message.role === "ASSISTANT") return [toAnswer(message, making), ...toResults(message, making)];
    const said = inputText(message);
    return [message.role === "USER" ? new HumanMessage(said) : new SystemMessage(said)];
  });
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
