import {
  WeftlineError,
  type AgentRuntime,
  type Models,
  type RunContext,
  type RunEventBody,
  type RunRequest,
  type TokenUsage,
} from "#weftline";
import { completeEnd, streamAnswer, type AnswerSource, type CompleteEnd } from "./answer-stream.ts";
import { createClient, createSdkLoader, installFix, type LoadedSdk } from "./client.ts";
import { createReader } from "./events.ts";
import { openaiOptions, openaiOptionsSchema, type OpenAIOptions } from "./options.ts";
import type { NativeRequest } from "./request.ts";
import { Turn, type Answer } from "./turn.ts";

/**
 * OpenAI's SDK as a framework: our own loop over model calls and tools, since the platform has to stop between them for approvals.
 *
 * @param models says which models there are and how they stand.
 * @param sdkVersion of the installed SDK, which is loaded at the first turn only; nothing where there is none.
 */
export function createOpenAIRuntime(models: Pick<Models, "list" | "status">, sdkVersion: string | undefined): AgentRuntime<OpenAIOptions> {
  const load = createSdkLoader();
  return {
    id: "openai",
    features: {
      streaming: true,
      tools: true,
      interrupts: true,
      resume: true,
      steps: true,
      state: false,
      structuredOutput: true,
      usage: true,
    },
    options: openaiOptions,
    optionsSchema: openaiOptionsSchema,
    ...(sdkVersion === undefined ? {} : { sdk: { name: "openai", version: sdkVersion } }),
    status: () =>
      sdkVersion === undefined ? { mode: "UNAVAILABLE", reason: "The package openai is not installed.", fix: installFix } : models.status(),
    models: () => models.list(),
    stream: (request, ctx) => converse(load, request, ctx),
  };
}

async function* converse(
  load: () => Promise<LoadedSdk>,
  request: RunRequest<OpenAIOptions>,
  ctx: RunContext,
): AsyncGenerator<RunEventBody> {
  const turn = new Turn(request, ctx);
  const most = Math.min(request.options.maxSteps, ctx.limits.maxSteps);
  await turn.settle();
  if (turn.answered) return;
  const open = await sourceFor(load, ctx);
  for (;;) {
    const number = turn.nextCall;
    if (number > most) throw limitReached(most);
    const key = `model/${number}`;
    const source = open(turn.nextRequest());
    const answer = turn.listen(key);
    yield { kind: "step.started", step: key, name: ctx.model.model, stepKind: "MODEL" };
    yield { kind: "message.started", message: key };
    for await (const pieces of streamAnswer(source, ctx)) {
      for (const piece of pieces) {
        const said = answer.take(piece);
        if (said) yield said;
      }
    }
    const end = completeEnd(source);
    const usage = usageOf(end, source.request, answer, ctx);
    if (isCutOff(end, answer)) {
      yield { kind: "usage.recorded", step: key, ...usage };
      throw cutOff(end, request.options, source);
    }
    yield { kind: "message.finished", message: key, status: "COMPLETE" };
    yield { kind: "usage.recorded", step: key, ...usage };
    yield {
      kind: "step.finished",
      step: key,
      status: "SUCCEEDED",
      output: { finish: end.reason, ...(end.id === undefined ? {} : { answer: end.id }) },
    };
    turn.add(answer, end.native);
    if (answer.calls.length === 0) return;
    // Before the tools run: nobody would read what they answer.
    if (number >= most) throw limitReached(most);
    await turn.settle();
  }
}

async function sourceFor(load: () => Promise<LoadedSdk>, { model }: RunContext): Promise<(request: NativeRequest) => AnswerSource> {
  const [loaded, key] = await Promise.all([load(), model.apiKey()]);
  const client = createClient(loaded, model, key);
  const blame = { provider: model.provider, secrets: [key] };
  return (request) => ({ loaded, client, request, blame, reader: createReader(request.api) });
}

/** Whether the provider stopped the answer before it said anything that stands by itself. */
function isCutOff(end: CompleteEnd, answer: Answer): boolean {
  return end.reason === "filter" || (end.reason === "length" && answer.text === "" && answer.calls.length === 0);
}

function cutOff(end: CompleteEnd, options: OpenAIOptions, { blame }: AnswerSource): WeftlineError {
  if (end.reason === "length")
    return new WeftlineError("RUN_LIMIT", { limit: `${options.maxOutputTokens ?? "the model's"} output tokens before it said anything` });
  const problem = "its content filter stopped the answer.";
  return new WeftlineError("PROVIDER_REJECTED", { provider: blame.provider, plugin: "openai", status: 200, problem });
}

function limitReached(most: number): WeftlineError {
  return new WeftlineError("RUN_LIMIT", { limit: `${most} model calls` });
}

function usageOf(
  end: CompleteEnd,
  request: NativeRequest,
  answer: Answer,
  { model }: RunContext,
): TokenUsage & { provider: string; model: string } {
  const whose = { provider: model.provider, model: model.model };
  if (end.usage) return { ...whose, ...end.usage, ...(model.provenance === "SIMULATED" ? { estimated: true } : {}) };
  const written = answer.calls.reduce((length, call) => length + call.name.length + call.arguments.length, answer.text.length);
  return { ...whose, inputTokens: estimate(JSON.stringify(request.body).length), outputTokens: estimate(written), estimated: true };
}

/** Four characters a token, which is near enough for English. */
function estimate(characters: number): number {
  return Math.ceil(characters / 4);
}
