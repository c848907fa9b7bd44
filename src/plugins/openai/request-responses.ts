import type { ResponseCreateParamsStreaming, ResponseInputContent, ResponseInputItem } from "openai/resources/responses/responses";
import { outcomeText, type ConversationMessage } from "#weftline";
import type { LoadedFile } from "./files.ts";
import { answerName, argumentsText, inputContent, type ModelCall, type ModelSettings } from "./model-call.ts";
import { allowsStrict } from "./schemas/strict-schema.ts";
import { answerSchema, wireSchema } from "./schemas/wire-schema.ts";

type ResponsesSettings = Partial<Omit<ResponseCreateParamsStreaming, "model" | "input" | "stream" | "tools">>;

/** The body of POST /responses. */
export function responsesBody(call: ModelCall): ResponseCreateParamsStreaming {
  const { tools, names } = call;
  return {
    model: call.model.model,
    input: call.messages.flatMap((message) => itemsOf(message, call)),
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

function itemsOf(message: ConversationMessage, { names, native, files }: ModelCall): ResponseInputItem[] {
  if (message.role !== "ASSISTANT")
    return [{ role: message.role === "USER" ? "user" : "system", content: inputContent(message, files, contentOf) }];
  const spoken = message.text === "" ? [] : [{ role: "assistant" as const, content: message.text }];
  const called = message.toolCalls.map((each) => ({
    type: "function_call" as const,
    call_id: each.callId,
    name: names.toWire(each.name),
    arguments: argumentsText(each.arguments),
  }));
  const answered = message.toolCalls.map((each) => ({
    type: "function_call_output" as const,
    call_id: each.callId,
    output: outcomeText(each.outcome),
  }));
  return [...(native.get(message) ?? [...spoken, ...called]), ...answered];
}
