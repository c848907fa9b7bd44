import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { ResponseInputItem } from "openai/resources/responses/responses";
import { createWireIds, withCallExtras, withExtras, type NativeExtras } from "#plugins/openai";

/** What providers want back with the calls of earlier answers, by the ids of the calls. */
export type KeptCalls = ReadonlyMap<string, KeptCall>;

export interface KeptCall {
  readonly extras: NativeExtras;
  /** Whether the answer is of the run that asks: its thoughts go back. */
  readonly isOwn: boolean;
}

/** LangChain's messages as a provider takes them: with what it wants back, and ids of calls that it accepts. */
export function forChat(messages: readonly ChatCompletionMessageParam[], kept: KeptCalls): ChatCompletionMessageParam[] {
  const wire = pairedIds();
  return messages.map((message) => {
    if (message.role === "tool") return { ...message, tool_call_id: wire.result(message.tool_call_id) };
    if (message.role !== "assistant" || !message.tool_calls?.length) return message;
    const known = kept.get(message.tool_calls[0]?.id ?? "");
    const native = known?.extras.api === "chat" ? known.extras : undefined;
    const calls = message.tool_calls.map((call) => {
      const named = { ...call, id: wire.call(call.id) };
      return named.type === "function" ? withCallExtras(named, native?.calls[call.id]) : named;
    });
    return withExtras({ ...message, tool_calls: calls }, known?.isOwn ? native?.message : undefined);
  });
}

/** The same over Responses, where thoughts stand among the items. */
export function forResponses(items: readonly ResponseInputItem[]): ResponseInputItem[] {
  const wire = pairedIds();
  return items.map((item) => {
    if (item.type === "function_call") return { ...item, call_id: wire.call(item.call_id) };
    return item.type === "function_call_output" ? { ...item, call_id: wire.result(item.call_id ?? "") } : item;
  });
}

/** Gives a call and its result one id. */
function pairedIds() {
  const wireId = createWireIds();
  const open = new Map<string, string>();
  const call = (id: string): string => {
    const wire = wireId(id);
    open.set(id, wire);
    return wire;
  };
  return { call, result: (id: string): string => open.get(id) ?? call(id) };
}
