import { z } from "zod";
import type { AnswerFormat, SimulatedRequest, ToolChoice, Turn } from "../request.ts";
import type { Problem } from "./exchange.ts";
import { choiceProblem, filesOf, formatOf, jsonSchema, textOf, textParts } from "./shapes.ts";

const message = z.object({
  role: z.enum(["developer", "system", "user", "assistant", "tool"]),
  content: textParts.nullish(),
  tool_calls: z.array(z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }).optional() })).nullish(),
  tool_call_id: z.string().optional(),
});

/** The body of POST /chat/completions, as far as it decides the answer. */
export const chatBody = z.object({
  model: z.string().min(1),
  messages: z.array(message).min(1),
  tools: z
    .array(z.object({ type: z.string(), function: z.object({ name: z.string().min(1), parameters: jsonSchema.nullish() }).optional() }))
    .nullish(),
  tool_choice: z
    .union([z.enum(["none", "auto", "required"]), z.object({ type: z.string(), function: z.object({ name: z.string() }).optional() })])
    .nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: z.object({ type: z.string(), json_schema: z.object({ schema: jsonSchema.nullish() }).optional() }).nullish(),
  reasoning_effort: z.string().nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  n: z.int().min(1).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
});

/** A valid body of POST /chat/completions. */
export type ChatBody = z.infer<typeof chatBody>;

/** What a body says that no schema can refuse. */
export function chatProblem(body: ChatBody): Problem | undefined {
  if ((body.n ?? 1) > 1)
    return { status: 400, message: "The simulated model gives one choice: 'n' has to be 1.", param: "n", code: "unsupported_value" };
  let open = new Set<string>();
  for (const [index, { role, tool_calls, tool_call_id }] of body.messages.entries()) {
    const param = `messages[${index}].role`;
    if (role === "tool") {
      if (!open.delete(tool_call_id ?? "")) {
        return {
          status: 400,
          message: "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
          param,
        };
      }
      continue;
    }
    if (open.size > 0) return unanswered(open, param);
    open = new Set(tool_calls?.map((call) => call.id));
  }
  if (open.size > 0) return unanswered(open, `messages[${body.messages.length}].role`);
  return choiceProblem(normalChoice(body), body.tools?.flatMap((tool) => tool.function?.name ?? []) ?? []);
}

function unanswered(open: ReadonlySet<string>, param: string): Problem {
  const ids = [...open].join(", ");
  return {
    status: 400,
    message: `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`,
    param,
  };
}

/** Reduces a body to what decides the answer. */
export function chatRequest(body: ChatBody): SimulatedRequest {
  const maxTokens = body.max_completion_tokens ?? body.max_tokens;
  return {
    model: body.model,
    turns: body.messages.map(turnOf),
    tools: (body.tools ?? []).flatMap((tool) =>
      tool.function ? [{ name: tool.function.name, parameters: tool.function.parameters ?? {} }] : [],
    ),
    toolChoice: normalChoice(body),
    mostCalls: body.parallel_tool_calls === false ? 1 : Infinity,
    format: chatFormat(body),
    reasons: typeof body.reasoning_effort === "string" && body.reasoning_effort !== "none",
    ...(maxTokens == null ? {} : { maxTokens }),
  };
}

function turnOf(one: ChatBody["messages"][number]): Turn {
  const text = textOf(one.content);
  if (one.role === "tool") return { role: "tool", callId: one.tool_call_id ?? "", text };
  if (one.role !== "assistant") return { role: one.role === "user" ? "user" : "system", text, files: filesOf(one.content) };
  const calls = one.tool_calls?.flatMap((call) => (call.function ? [{ id: call.id, ...call.function }] : [])) ?? [];
  return { role: "assistant", text, calls };
}

function normalChoice({ tool_choice: choice }: ChatBody): ToolChoice {
  if (typeof choice === "string") return { mode: choice };
  return choice?.function ? { mode: "tool", name: choice.function.name } : { mode: "auto" };
}

function chatFormat({ response_format: format }: ChatBody): AnswerFormat {
  return formatOf(format?.type, format?.json_schema?.schema);
}
