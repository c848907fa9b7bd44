import type { CompletionRequest, Completions, RunEventBody, TokenUsage } from "#weftline";
import { endOfCall } from "./answer-end.ts";
import { streamAnswer } from "./answer-stream.ts";
import { Answer } from "./answer-taken.ts";
import type { LoadedSdk } from "./client.ts";
import { openaiOptions } from "./options.ts";
import { createReader } from "./reading/reader.ts";
import { buildRequest } from "./request.ts";
import { createToolNames } from "./tool-names.ts";
import { completeEnd } from "./watched.ts";

const key = "completion";

/** Single questions to any model behind a binding, read as answers of agents are. */
export function createCompletions(load: () => Promise<LoadedSdk>): Completions {
  return { complete: (request) => complete(load, request) };
}

async function complete(load: () => Promise<LoadedSdk>, asked: CompletionRequest): Promise<string> {
  const { model, instructions, text, maxOutputTokens, signal } = asked;
  const [loaded, secret] = await Promise.all([load(), model.apiKey()]);
  const names = createToolNames([]);
  const request = buildRequest({
    model,
    instructions,
    options: openaiOptions.parse({ maxOutputTokens }),
    outputSchema: undefined,
    messages: [{ role: "USER", parts: [{ type: "text", text }] }],
    tools: [],
    names,
  });
  const blame = { provider: model.provider, plugin: "openai", secrets: [secret] };
  const source = { loaded, client: loaded.clientFor(model, secret), request, blame, reader: createReader(request.api) };
  const answer = new Answer(key, noCalls, { toolName: (wire) => wire, callId: (id) => id });
  for await (const pieces of streamAnswer(source, { signal, model })) for (const piece of pieces) answer.take(piece);
  const end = completeEnd(source.reader.end(), blame);
  const asLong = (): number => instructions.length + text.length;
  for (const event of endOfCall(end, answer, { plugin: "openai", model, key, asked: asLong, maxOutputTokens }))
    if (event.kind === "usage.recorded") asked.onUsage(usageOf(event));
  return answer.text;
}

/** It is offered no tools, so what it calls is nothing. */
const noCalls = { toolRequested: () => undefined, toolArguments: () => undefined };

function usageOf({ inputTokens, outputTokens, ...more }: Extract<RunEventBody, { kind: "usage.recorded" }>): TokenUsage {
  const { cachedInputTokens, reasoningTokens, estimated } = more;
  return {
    inputTokens,
    outputTokens,
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(estimated === undefined ? {} : { estimated }),
  };
}
