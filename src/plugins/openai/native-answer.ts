import type { ChatCompletionAssistantMessageParam, ChatCompletionMessageFunctionToolCall } from "openai/resources/chat/completions";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import type { ModelBinding } from "#weftline";
import { isFields, type Fields } from "./reading/text.ts";

/**
 * What a provider wants back with an answer, as it came: over Responses the items, with the sealed thoughts among them; over Chat Completions
 * fields of the message and of its calls, by their parts.
 */
export type NativeAnswer =
  | { readonly api: "responses"; readonly items: readonly ResponseInputItem[] }
  | { readonly api: "chat"; readonly message: Fields; readonly calls: Readonly<Record<number, Fields>> };

/** The same, as it stands with a message: its calls are named by our ids. */
export type NativeExtras =
  | { readonly api: "responses"; readonly items: readonly ResponseInputItem[] }
  | { readonly api: "chat"; readonly message: Fields; readonly calls: Readonly<Record<string, Fields>> };

/** What stands with a message and goes back to the model that wrote it, and to no other. */
export interface KeptExtras {
  readonly model: string;
  readonly data: NativeExtras;
}

/** Names a model, as `binding/model`. */
export function modelNameOf({ id, model }: Pick<ModelBinding, "id" | "model">): string {
  return `${id}/${model}`;
}

/** Names the calls of an answer as the platform does. */
export function extrasOf(native: NativeAnswer, calls: readonly { readonly callId: string; readonly part: number }[]): NativeExtras {
  if (native.api === "chat") {
    const named = calls.flatMap(({ callId, part }) => (native.calls[part] ? [[callId, native.calls[part]] as const] : []));
    return { api: "chat", message: native.message, calls: Object.fromEntries(named) };
  }
  let next = 0;
  const items = native.items.map((item) => {
    const callId = item.type === "function_call" ? calls[next++]?.callId : undefined;
    return callId === undefined ? item : { ...item, call_id: callId };
  });
  return { api: "responses", items: items as readonly ResponseInputItem[] };
}

/** What stands with a message for this model; nothing where another wrote it, or where it is no such thing. */
export function extrasFor(kept: unknown, model: Pick<ModelBinding, "id" | "model">): NativeExtras | undefined {
  if (!isFields(kept) || kept["model"] !== modelNameOf(model) || !isFields(kept["data"])) return undefined;
  const { api, items, message, calls } = kept["data"];
  const isKnown = api === "responses" ? Array.isArray(items) : api === "chat" && isFields(message) && isFields(calls);
  return isKnown ? (kept["data"] as unknown as NativeExtras) : undefined;
}

/** An assistant's message with what the provider wants back with it. */
export function withExtras(message: ChatCompletionAssistantMessageParam, extras: Fields | undefined): ChatCompletionAssistantMessageParam {
  return extras ? { ...extras, ...message } : message;
}

/** A call with what the provider wants back with it. */
export function withCallExtras(
  call: ChatCompletionMessageFunctionToolCall,
  extras: Fields | undefined,
): ChatCompletionMessageFunctionToolCall {
  if (!extras) return call;
  const inner = isFields(extras["function"]) ? extras["function"] : {};
  return { ...extras, ...call, function: { ...inner, ...call.function } };
}
