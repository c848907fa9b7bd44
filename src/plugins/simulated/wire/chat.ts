import type { Answer, Answerer } from "../answer.ts";
import type { Frame } from "../pace.ts";
import { argumentPieces, textPieces } from "../tokens.ts";
import { chatBody, chatProblem, chatRequest, type ChatBody } from "./chat-request.ts";
import { createdAt, idsOf, pieceCount, refuse, schemaProblem, usageOf, type Exchange, type IdMaker, type TokenUsage } from "./exchange.ts";

/**
 * Answers POST /chat/completions.
 *
 * @param json the parsed body.
 * @param body the body as it came, from which the ids are made.
 * @param answerTo decides what is said.
 */
export function chatExchange(json: unknown, body: string, answerTo: Answerer): Exchange {
  const checked = chatBody.safeParse(json);
  if (!checked.success) return refuse(schemaProblem(checked.error));
  const problem = chatProblem(checked.data);
  if (problem) return refuse(problem);
  const request = chatRequest(checked.data);
  const answer = answerTo(request);
  const usage = usageOf(request, answer);
  const ids = idsOf(body);
  if (checked.data.stream) return { kind: "stream", frames: chatFrames(checked.data, answer, usage, ids) };
  return { kind: "document", document: completionOf(checked.data, answer, usage, ids), tokens: pieceCount(answer) };
}

const finishReasons = { stop: "stop", length: "length", tools: "tool_calls" } as const;

function envelope(body: ChatBody, ids: IdMaker, object: string): Readonly<Record<string, unknown>> {
  return {
    id: ids("chatcmpl-"),
    object,
    created: createdAt,
    model: body.model,
    service_tier: "default",
    system_fingerprint: "fp_simulated",
  };
}

function completionOf(body: ChatBody, answer: Answer, usage: TokenUsage, ids: IdMaker): object {
  const calls = answer.toolCalls.map((call, index) => ({
    id: ids("call_", index),
    type: "function",
    function: { name: call.name, arguments: call.arguments },
  }));
  const message = {
    role: "assistant",
    content: calls.length > 0 ? null : answer.text,
    refusal: null,
    annotations: [],
    ...(answer.reasoning === undefined ? {} : { reasoning_content: answer.reasoning }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
  return {
    ...envelope(body, ids, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasons[answer.finish] }],
    usage: chatUsage(usage),
  };
}

/** The chunks of a streamed completion, in OpenAI's order. */
function* chatFrames(body: ChatBody, answer: Answer, usage: TokenUsage, ids: IdMaker): Generator<Frame, void, undefined> {
  const counted = body.stream_options?.include_usage === true;
  const open = JSON.stringify(envelope(body, ids, "chat.completion.chunk")).slice(0, -1);
  const usageField = counted ? `,"usage":null` : "";
  const head = `data: ${open},"choices":[{"index":0,"delta":`;
  const tail = `,"logprobs":null,"finish_reason":null}]${usageField}}\n\n`;
  const calling = answer.toolCalls.length > 0;

  yield { sse: `${head}{"role":"assistant","content":${calling ? "null" : '""'},"refusal":null}${tail}`, tokens: 0 };
  for (const piece of textPieces(answer.reasoning ?? "")) {
    yield { sse: `${head}{"reasoning_content":${JSON.stringify(piece)}}${tail}`, tokens: 1 };
  }
  for (const piece of textPieces(answer.text)) {
    yield { sse: `${head}{"content":${JSON.stringify(piece)}}${tail}`, tokens: 1 };
  }
  for (const [index, call] of answer.toolCalls.entries()) {
    const first = { index, id: ids("call_", index), type: "function", function: { name: call.name, arguments: "" } };
    yield { sse: `${head}{"tool_calls":[${JSON.stringify(first)}]}${tail}`, tokens: 0 };
    for (const piece of argumentPieces(call.arguments)) {
      yield { sse: `${head}{"tool_calls":[{"index":${index},"function":{"arguments":${JSON.stringify(piece)}}}]}${tail}`, tokens: 1 };
    }
  }
  let end = `${head}{},"logprobs":null,"finish_reason":"${finishReasons[answer.finish]}"}]${usageField}}\n\n`;
  if (counted) end += `data: ${open},"choices":[],"usage":${JSON.stringify(chatUsage(usage))}}\n\n`;
  yield { sse: `${end}data: [DONE]\n\n`, tokens: 0 };
}

function chatUsage(usage: TokenUsage): object {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
