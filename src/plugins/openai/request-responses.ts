import type { ResponseCreateParamsStreaming, ResponseInputContent, ResponseInputItem } from "openai/resources/responses/responses";
import { outcomeText, type ConversationMessage } from "#weftline";
import { createWireIds } from "./conversation.ts";
import type { LoadedFile } from "./files.ts";
import { answerName, argumentsText, inputContent, type ModelCall, type ModelSettings } from "./model-call.ts";
import { extrasFor } from "./native-answer.ts";
import { allowsStrict } from "./schemas/strict-schema.ts";
import { answerSchema, wireSchema } from "./schemas/wire-schema.ts";

type ResponsesSettings = Partial<Omit<ResponseCreateParamsStreaming, "model" | "input" | "stream" | "tools">>;

/** The body of POST /responses. */
export function responsesBody(call: ModelCall): ResponseCreateParamsStreaming {
  const { tools, names } = call;
  const wireId = createWireIds();
  return {
    model: call.model.model,
    input: call.messages.flatMap((message) => itemsOf(message, call, wireId)),
    stream: true,
    ...(call.instructions ? { instructions: call.instructions } : {}),
    ...(tools.length > 0
      ? {
          tools: tools.map(({ name, description, inputSchema }) => ({
            type: "function" as const,
            name: names.toWire(name),
            description,
            parameters: wireSchema(inputSchema),
            strict: false,
          })),
        }
      : {}),
    ...responsesSettings(call),
  };
}

/** What an agent's options, its tools and the wanted shape of the answer add to a body. */
export function responsesSettings({ options, tools, outputSchema }: ModelSettings): ResponsesSettings {
  const reasons = options.reasoningEffort;
  return {
    // The log is the memory: nothing is kept with the provider.
    store: false,
    ...(tools.length === 0 || options.parallelToolCalls === undefined ? {} : { parallel_tool_calls: options.parallelToolCalls }),
    ...(options.temperature === undefined ? {} : { temperature: options.temperature }),
    ...(options.topP === undefined ? {} : { top_p: options.topP }),
    ...(options.maxOutputTokens === undefined ? {} : { max_output_tokens: options.maxOutputTokens }),
    ...(reasons === undefined ? {} : { reasoning: { effort: reasons, ...(reasons === "none" ? {} : { summary: "auto" as const }) } }),
    ...(outputSchema
      ? {
          text: {
            format: {
              type: "json_schema" as const,
              name: answerName,
              schema: answerSchema(outputSchema),
              strict: allowsStrict(outputSchema),
            },
          },
        }
      : {}),
  };
}

function contentOf(part: LoadedFile): ResponseInputContent {
  if (part.kind === "text") return { type: "input_text", text: part.text };
  if (part.kind === "image") return { type: "input_image", image_url: part.url, detail: "auto" };
  return { type: "input_file", filename: part.name, file_data: part.url };
}

function itemsOf(message: ConversationMessage, call: ModelCall, wireId: (callId: string) => string): ResponseInputItem[] {
  const { names, files, model, runId } = call;
  if (message.role !== "ASSISTANT")
    return [{ role: message.role === "USER" ? "user" : "system", content: inputContent(message, files, contentOf) }];
  const calls = message.toolCalls.map((each) => ({ ...each, id: wireId(each.callId) }));
  const answered = calls.map(({ id, outcome }) => ({
    type: "function_call_output" as const,
    call_id: id,
    output: outcomeText(outcome),
  }));
  const extras = message.runId === runId ? extrasFor(message.native, model) : undefined;
  if (extras?.api === "responses") return [...extras.items.map((item) => renamed(item, calls)), ...answered];
  const spoken = message.text === "" ? [] : [{ role: "assistant" as const, content: message.text }];
  const called = calls.map(({ id, name, arguments: args }) => ({
    type: "function_call" as const,
    call_id: id,
    name: names.toWire(name),
    arguments: argumentsText(args),
  }));
  return [...spoken, ...called, ...answered];
}

/** An item as the provider wrote it, its call under the same id as its result. */
function renamed(item: ResponseInputItem, calls: readonly { readonly callId: string; readonly id: string }[]): ResponseInputItem {
  if (item.type !== "function_call") return item;
  return { ...item, call_id: calls.find(({ callId }) => callId === item.call_id)?.id ?? item.call_id };
}
