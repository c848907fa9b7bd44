import type { ChatCompletionCreateParamsStreaming } from "openai/resources/chat/completions";
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ModelCall } from "./model-call.ts";
import { chatBody } from "./request-chat.ts";
import { responsesBody } from "./request-responses.ts";

/** The body of a request, for one of the two APIs. */
export type NativeRequest =
  | { readonly api: "responses"; readonly body: ResponseCreateParamsStreaming }
  | { readonly api: "chat"; readonly body: ChatCompletionCreateParamsStreaming };

/** Builds the request of a model call. Pure. */
export function buildRequest(call: ModelCall): NativeRequest {
  const api = call.options.api ?? call.model.api;
  return api === "responses" ? { api, body: responsesBody(call) } : { api, body: chatBody(call) };
}
