import { z } from "zod";
import type { SimulatedRequest, ToolChoice, Turn } from "../request.ts";
import type { Problem } from "./exchange.ts";
import { choiceProblem, filesOf, formatOf, jsonSchema, textOf, textParts } from "./shapes.ts";

const item = z.object({
  type: z.string().optional(),
  id: z.string().nullish(),
  role: z.enum(["developer", "system", "user", "assistant"]).optional(),
  content: textParts.nullish(),
  call_id: z.string().optional(),
  name: z.string().optional(),
  arguments: z.string().optional(),
  output: textParts.optional(),
});

/** The body of POST /responses, as far as it decides the answer or is echoed in it. */
export const responsesBody = z.object({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(item).min(1)]),
  instructions: z.string().nullish(),
  tools: z.array(z.looseObject({ type: z.string(), name: z.string().optional(), parameters: jsonSchema.nullish() })).nullish(),
  tool_choice: z.union([z.enum(["none", "auto", "required"]), z.looseObject({ type: z.string(), name: z.string().optional() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.looseObject({ format: z.looseObject({ type: z.string(), schema: jsonSchema.nullish() }).optional() }).nullish(),
  reasoning: z.looseObject({ effort: z.string().nullish(), summary: z.string().nullish() }).nullish(),
  max_output_tokens: z.int().min(1).nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  store: z.boolean().nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  user: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  conversation: z.unknown().optional(),
  background: z.boolean().nullish(),
  stream: z.boolean().nullish(),
});

/** A valid body of POST /responses. */
export type ResponsesBody = z.infer<typeof responsesBody>;

type InputItem = z.infer<typeof item>;

/** What a body says that no schema can refuse. */
export function responsesProblem(body: ResponsesBody): Problem | undefined {
  if (body.previous_response_id) {
    const message = `Previous response with id '${body.previous_response_id}' not found.`;
    return { status: 400, message, param: "previous_response_id", code: "previous_response_not_found" };
  }
  if (body.background) return unsupported("background");
  if (body.conversation != null) return unsupported("conversation");
  const items = itemsOf(body);
  const reference = items.find((one) => one.type === "item_reference");
  if (reference) return { status: 404, message: `Item with id '${reference.id}' not found.`, param: "input" };
  const made = idsOfType(items, "function_call");
  const answered = idsOfType(items, "function_call_output");
  const lost = made.find((id) => !answered.includes(id));
  if (lost !== undefined) return { status: 400, message: `No tool output found for function call ${lost}.`, param: "input" };
  const stray = answered.find((id) => !made.includes(id));
  if (stray !== undefined)
    return { status: 400, message: `No tool call found for function call output with call_id ${stray}.`, param: "input" };
  return choiceProblem(normalChoice(body), body.tools?.flatMap((tool) => tool.name ?? []) ?? []);
}

function unsupported(param: string): Problem {
  return { status: 400, message: `The simulated model keeps nothing: '${param}' is not supported.`, param, code: "unsupported_parameter" };
}

function idsOfType(items: readonly InputItem[], type: string): readonly string[] {
  return items.flatMap((one) => (one.type === type ? [one.call_id ?? ""] : []));
}

function itemsOf({ input }: ResponsesBody): readonly InputItem[] {
  return typeof input === "string" ? [{ role: "user", content: input }] : input;
}

/** Reduces a body to what decides the answer. */
export function responsesRequest(body: ResponsesBody): SimulatedRequest {
  const instructions: Turn[] = body.instructions ? [{ role: "system", text: body.instructions }] : [];
  return {
    model: body.model,
    turns: [...instructions, ...itemsOf(body).flatMap(turnsOf)],
    tools: (body.tools ?? []).flatMap((tool) =>
      tool.type === "function" && tool.name !== undefined ? [{ name: tool.name, parameters: tool.parameters ?? {} }] : [],
    ),
    toolChoice: normalChoice(body),
    mostCalls: body.parallel_tool_calls === false ? 1 : Infinity,
    format: formatOf(body.text?.format?.type, body.text?.format?.schema),
    reasons: body.reasoning?.summary != null,
    ...(body.max_output_tokens == null ? {} : { maxTokens: body.max_output_tokens }),
  };
}

function turnsOf(one: InputItem): readonly Turn[] {
  if (one.type === "function_call_output") return [{ role: "tool", callId: one.call_id ?? "", text: textOf(one.output) }];
  if (one.type === "function_call") {
    const call = { id: one.call_id ?? "", name: one.name ?? "", arguments: one.arguments ?? "" };
    return [{ role: "assistant", text: "", calls: [call] }];
  }
  const text = textOf(one.content);
  if (one.role === "assistant") return [{ role: "assistant", text, calls: [] }];
  return one.role === undefined ? [] : [{ role: one.role === "user" ? "user" : "system", text, files: filesOf(one.content) }];
}

function normalChoice({ tool_choice: choice }: ResponsesBody): ToolChoice {
  if (typeof choice === "string") return { mode: choice };
  return choice?.type === "function" && choice.name !== undefined ? { mode: "tool", name: choice.name } : { mode: "auto" };
}
