import type { ConversationMessage } from "#weftline";
import { z } from "zod";

/** A message as CrewAI gives it to a model. */
export const wireMessage = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string(),
  tool_calls: z.array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) })).optional(),
  tool_call_id: z.string().optional(),
});

type WireMessage = z.output<typeof wireMessage>;

/**
 * The conversation behind CrewAI's messages: what came of a call stands with the call.
 *
 * @param nameOf the platform's name of a tool.
 */
export function conversationOf(messages: readonly WireMessage[], nameOf: (name: string) => string): ConversationMessage[] {
  const results = new Map(
    messages.flatMap(({ role, tool_call_id: id, content }) => (role === "tool" && id !== undefined ? [[id, content]] : [])),
  );
  return messages.flatMap(({ role, content, tool_calls: calls = [] }): ConversationMessage[] => {
    if (role === "tool") return [];
    if (role !== "assistant") return [{ role: role === "user" ? "USER" : "SYSTEM", parts: [{ type: "text", text: content }] }];
    const toolCalls = calls.map(({ id, function: { name, arguments: args } }) => ({
      callId: id,
      name: nameOf(name),
      arguments: args,
      ...(results.has(id) ? { outcome: { status: "SUCCESS" as const, result: results.get(id) } } : {}),
    }));
    return [{ role: "ASSISTANT", text: content, toolCalls }];
  });
}
