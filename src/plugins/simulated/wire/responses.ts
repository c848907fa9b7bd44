import type { Answer, Answerer } from "../answer.ts";
import type { Frame } from "../pace.ts";
import { argumentPieces, textPieces } from "../tokens.ts";
import { createdAt, idsOf, pieceCount, refuse, schemaProblem, usageOf, type Exchange, type IdMaker, type TokenUsage } from "./exchange.ts";
import { responsesBody, responsesProblem, responsesRequest, type ResponsesBody } from "./responses-request.ts";

/**
 * Answers POST /responses.
 *
 * @param json the parsed body.
 * @param body the body as it came, from which the ids are made.
 * @param answerTo decides what is said.
 */
export function responsesExchange(json: unknown, body: string, answerTo: Answerer): Exchange {
  const checked = responsesBody.safeParse(json);
  if (!checked.success) return refuse(schemaProblem(checked.error));
  const problem = responsesProblem(checked.data);
  if (problem) return refuse(problem);
  const request = responsesRequest(checked.data);
  const answer = answerTo(request);
  const ids = idsOf(body);
  const begun = responseOf(checked.data, ids);
  const ended = endedResponse(begun, answer, usageOf(request, answer), ids);
  if (checked.data.stream) return { kind: "stream", frames: responsesFrames(begun, ended, answer, ids) };
  return { kind: "document", document: ended, tokens: pieceCount(answer) };
}

type Fields = Readonly<Record<string, unknown>>;
type Item = Fields & { readonly id: string };

/** A response that has just begun, with what OpenAI echoes of its request. */
function responseOf(body: ResponsesBody, ids: IdMaker): Fields {
  return {
    id: ids("resp_"),
    object: "response",
    created_at: createdAt,
    status: "in_progress",
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    model: body.model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: body.reasoning?.summary ?? null },
    service_tier: "default",
    // Nothing is kept here, whatever the request asks for.
    store: false,
    temperature: body.temperature ?? 1,
    text: body.text ?? { format: { type: "text" } },
    tool_choice: body.tool_choice ?? "auto",
    tools: body.tools ?? [],
    top_p: body.top_p ?? 1,
    truncation: "disabled",
    usage: null,
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

function endedResponse(begun: Fields, answer: Answer, usage: TokenUsage, ids: IdMaker): Fields {
  const cut = answer.finish === "length";
  return {
    ...begun,
    status: cut ? "incomplete" : "completed",
    ...(cut ? { incomplete_details: { reason: "max_output_tokens" } } : { completed_at: createdAt }),
    output: [
      ...(answer.reasoning === undefined ? [] : [reasoningItem(ids, [summaryPart(answer.reasoning)])]),
      ...(answer.toolCalls.length > 0 ? [] : [messageItem(ids, cut ? "incomplete" : "completed", [textPart(answer.text)])]),
      ...answer.toolCalls.map((call, index) => callItem(ids, index, "completed", call.name, call.arguments)),
    ],
    usage: {
      input_tokens: usage.input,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: usage.output,
      output_tokens_details: { reasoning_tokens: usage.reasoning },
      total_tokens: usage.input + usage.output,
    },
  };
}

function summaryPart(text: string): Fields {
  return { type: "summary_text", text };
}

function textPart(text: string): Fields {
  return { type: "output_text", annotations: [], logprobs: [], text };
}

function reasoningItem(ids: IdMaker, summary: readonly Fields[]): Item {
  return { id: ids("rs_"), type: "reasoning", summary };
}

function messageItem(ids: IdMaker, status: string, content: readonly Fields[]): Item {
  return { id: ids("msg_"), type: "message", status, content, role: "assistant" };
}

function callItem(ids: IdMaker, index: number, status: string, name: string, json: string): Item {
  return { id: ids("fc_", index), type: "function_call", status, arguments: json, call_id: ids("call_", index), name };
}

/** The events of a streamed response, in OpenAI's order. */
function* responsesFrames(begun: Fields, ended: Fields, answer: Answer, ids: IdMaker): Generator<Frame, void, undefined> {
  let sequence = 0;
  let output = 0;
  const event = (type: string, fields: Fields): string =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`;
  const whole = (type: string, fields: Fields): Frame => ({ sse: event(type, fields), tokens: 0 });
  // A delta differs from the one before in its number and its text alone, so the rest is serialised once.
  function* deltas(type: string, at: Fields, pieces: readonly string[], last: string): Generator<Frame, void, undefined> {
    const head = `event: ${type}\ndata: {"type":"${type}","sequence_number":`;
    const middle = `,${JSON.stringify(at).slice(1, -1)},"delta":`;
    const tail = `${last}}\n\n`;
    for (const piece of pieces) yield { sse: head + sequence++ + middle + JSON.stringify(piece) + tail, tokens: 1 };
  }

  yield whole("response.created", { response: begun });
  yield whole("response.in_progress", { response: begun });

  if (answer.reasoning !== undefined) {
    const item = reasoningItem(ids, []);
    const at = { item_id: item.id, output_index: output, summary_index: 0 };
    yield whole("response.output_item.added", { output_index: output, item });
    yield whole("response.reasoning_summary_part.added", { ...at, part: summaryPart("") });
    yield* deltas("response.reasoning_summary_text.delta", at, textPieces(answer.reasoning), "");
    yield whole("response.reasoning_summary_text.done", { ...at, text: answer.reasoning });
    yield whole("response.reasoning_summary_part.done", { ...at, part: summaryPart(answer.reasoning) });
    yield whole("response.output_item.done", { output_index: output, item: reasoningItem(ids, [summaryPart(answer.reasoning)]) });
    output += 1;
  }

  if (answer.toolCalls.length === 0) {
    const item = messageItem(ids, "in_progress", []);
    const at = { item_id: item.id, output_index: output, content_index: 0 };
    const part = textPart(answer.text);
    yield whole("response.output_item.added", { output_index: output, item });
    yield whole("response.content_part.added", { ...at, part: textPart("") });
    yield* deltas("response.output_text.delta", at, textPieces(answer.text), `,"logprobs":[]`);
    yield whole("response.output_text.done", { ...at, text: answer.text, logprobs: [] });
    yield whole("response.content_part.done", { ...at, part });
    const status = answer.finish === "length" ? "incomplete" : "completed";
    yield whole("response.output_item.done", { output_index: output, item: messageItem(ids, status, [part]) });
    output += 1;
  }

  for (const [index, call] of answer.toolCalls.entries()) {
    const item = callItem(ids, index, "in_progress", call.name, "");
    const at = { item_id: item.id, output_index: output };
    yield whole("response.output_item.added", { output_index: output, item });
    yield* deltas("response.function_call_arguments.delta", at, argumentPieces(call.arguments), "");
    yield whole("response.function_call_arguments.done", { ...at, arguments: call.arguments });
    yield whole("response.output_item.done", { output_index: output, item: callItem(ids, index, "completed", call.name, call.arguments) });
    output += 1;
  }

  yield whole(`response.${String(ended["status"])}`, { response: ended });
}
