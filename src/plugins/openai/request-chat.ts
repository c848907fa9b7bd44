import type {
  ChatCompletionContentPart,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionMessageParam,
} from "openai/resources/chat/completions";
import { outcomeText, type ConversationMessage } from "#weftline";
import { createWireIds } from "./conversation.ts";
import type { LoadedFile } from "./files.ts";
import { answerName, argumentsText, inputContent, type ModelCall, type ModelSettings } from "./model-call.ts";
import { extrasFor, withCallExtras, withExtras } from "./native-answer.ts";
import { allowsStrict } from "./schemas/strict-schema.ts";
import { answerSchema, wireSchema } from "./schemas/wire-schema.ts";

type ChatSettings = Partial<Omit<ChatCompletionCreateParamsStreaming, "model" | "messages" | "stream" | "tools">>;

/** The body of POST /chat/completions. */
export function chatBody(call: ModelCall): ChatCompletionCreateParamsStreaming {
  const { tools, names } = call;
  const wireId = createWireIds();
  const instructions: ChatCompletionMessageParam[] = call.instructions ? [{ role: "system", content: call.instructions }] : [];
  return {
    model: call.model.model,
    messages: [...instructions, ...call.messages.flatMap((message) => messagesOf(message, call, wireId))],
    stream: true,
    stream_options: { include_usage: true },
    ...(tools.length > 0
      ? {
          tools: tools.map(({ name, description, inputSchema }) => ({
            type: "function" as const,
            function: { name: names.toWire(name), description, parameters: wireSchema(inputSchema) },
          })),
        }
      : {}),
    ...chatSettings(call),
  };
}

/** What an agent's options, its tools and the wanted shape of the answer add to a body. */
export function chatSettings({ options, tools, model, outputSchema }: ModelSettings): ChatSettings {
  return {
    ...(tools.length === 0 || options.parallelToolCalls === undefined ? {} : { parallel_tool_calls: options.parallelToolCalls }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.topP === undefined ? {} : { top_p: options.topP }),
    ...(options.maxOutputTokens === undefined ? {} : limitOf(model.baseURL, options.maxOutputTokens)),
    ...(options.reasoningEffort === undefined ? {} : { reasoning_effort: options.reasoningEffort }),
    ...(outputSchema
      ? {
          response_format: {
            type: "json_schema" as const,
            json_schema: { name: answerName, schema: answerSchema(outputSchema), strict: allowsStrict(outputSchema) },
          },
        }
      : {}),
  };
}

/** The system's messages hold text only, so what is none is said by the user. */
function inputMessage(role: "USER" | "SYSTEM", content: string | ChatCompletionContentPart[]): ChatCompletionMessageParam {
  return role === "SYSTEM" && typeof content === "string" ? { role: "system", content } : { role: "user", content };
}

/** OpenAI renamed the limit for its reasoning models; many other servers know the old name only. */
function limitOf(baseURL: string, tokens: number): { max_completion_tokens: number } | { max_tokens: number } {
  return /(^|\.)openai\.com$/.test(new URL(baseURL).hostname) ? { max_completion_tokens: tokens } : { max_tokens: tokens };
}

function contentOf(part: LoadedFile): ChatCompletionContentPart {
  if (part.kind === "text") return { type: "text", text: part.text };
  if (part.kind === "image") return { type: "image_url", image_url: { url: part.url } };
  return { type: "file", file: { filename: part.name, file_data: part.url } };
}

function messagesOf(message: ConversationMessage, call: ModelCall, wireId: (callId: string) => string): ChatCompletionMessageParam[] {
  const { names, files, model, runId } = call;
  if (message.role !== "ASSISTANT") return [inputMessage(message.role, inputContent(message, files, contentOf))];
  if (message.toolCalls.length === 0) return [{ role: "assistant", content: message.text }];
  const extras = extrasFor(message.native, model);
  const native = extras?.api === "chat" ? extras : undefined;
  const calls = message.toolCalls.map((each) => ({ ...each, id: wireId(each.callId) }));
  return [
    withExtras(
      {
        role: "assistant",
        content: message.text === "" ? null : message.text,
        tool_calls: calls.map(({ id, callId, name, arguments: args }) =>
          withCallExtras(
            { id, type: "function", function: { name: names.toWire(name), arguments: argumentsText(args) } },
            native?.calls[callId],
          ),
        ),
      },
      message.runId === runId ? native?.message : undefined,
    ),
    ...calls.map(({ id, outcome }) => ({ role: "tool" as const, tool_call_id: id, content: outcomeText(outcome) })),
  ];
}
