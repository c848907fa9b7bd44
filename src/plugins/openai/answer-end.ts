import { WeftlineError, type ModelBinding, type RunEventBody, type TokenUsage } from "#weftline";
import type { Answer } from "./answer-taken.ts";
import type { CompleteEnd } from "./answer.ts";

/** What an answer's end is told with. */
export interface Ending {
  /** The framework that asked. */
  readonly plugin: string;
  readonly model: Pick<ModelBinding, "provider" | "model" | "provenance">;
  /** The name of the model call's step and message. */
  readonly key: string;
  /** How many characters the request had: asked for where the provider counts no tokens, to estimate them. */
  readonly asked: () => number;
  readonly maxOutputTokens: number | undefined;
}

/**
 * The events at the end of a model call: of its message, its tokens and its step.
 *
 * @throws RUN_LIMIT or PROVIDER_REJECTED, after the tokens, where the answer was cut before it said anything that stands by itself.
 */
export function* endOfCall(end: CompleteEnd, answer: Answer, ending: Ending): Generator<RunEventBody> {
  const { key } = ending;
  const usage: RunEventBody = { kind: "usage.recorded", step: key, ...usageOf(end, answer, ending) };
  if (isCutOff(end, answer)) {
    yield usage;
    throw cutOff(end, ending);
  }
  yield { kind: "message.finished", message: key, status: "COMPLETE" };
  yield usage;
  yield {
    kind: "step.finished",
    step: key,
    status: "SUCCEEDED",
    output: { finish: end.refused ? "refusal" : end.reason, ...(end.id === undefined ? {} : { answer: end.id }) },
  };
}

/** A run that needs more model calls than it may make. */
export function limitReached(most: number): WeftlineError {
  return new WeftlineError("RUN_LIMIT", { limit: `${most} model calls` });
}

/** Whether the provider stopped the answer before it said anything that stands by itself. */
function isCutOff(end: CompleteEnd, answer: Answer): boolean {
  return end.reason === "filter" || (end.reason === "length" && answer.text === "" && answer.calls.length === 0);
}

function cutOff(end: CompleteEnd, { plugin, model, maxOutputTokens }: Ending): WeftlineError {
  if (end.reason === "length")
    return new WeftlineError("RUN_LIMIT", { limit: `${maxOutputTokens ?? "the model's"} output tokens before it said anything` });
  const problem = "its content filter stopped the answer.";
  return new WeftlineError("PROVIDER_REJECTED", { provider: model.provider, plugin, status: 200, problem });
}

function usageOf(end: CompleteEnd, answer: Answer, { model, asked }: Ending): TokenUsage & { provider: string; model: string } {
  const whose = { provider: model.provider, model: model.model };
  if (end.usage) return { ...whose, ...end.usage, ...(model.provenance === "SIMULATED" ? { estimated: true } : {}) };
  const written = answer.calls.reduce((length, call) => length + call.name.length + call.arguments.length, answer.text.length);
  return { ...whose, inputTokens: estimate(asked()), outputTokens: estimate(written), estimated: true };
}

/** Four characters a token, which is near enough for English. */
function estimate(characters: number): number {
  return Math.ceil(characters / 4);
}
