import { WeftlineError, type ModelBinding, type RunEventBody, type TokenUsage, type ToolRequest } from "#weftline";
import type { Answer } from "./answer-taken.ts";
import type { CompleteEnd } from "./answer.ts";
import type { KeptExtras } from "./native-answer.ts";

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
  /** Whether the answer may be one that is not read, as a picture: of models that a framework reads itself. */
  readonly mayBeUnread?: boolean;
  /** What the provider wants back with the answer. */
  readonly kept?: KeptExtras | undefined;
}

/**
 * The events at the end of a model call: of its message, its tokens and its step.
 *
 * @throws RUN_LIMIT or PROVIDER_REJECTED, after the tokens, where the answer was cut before it said anything that stands by itself.
 */
export function* endOfCall(end: CompleteEnd, answer: Answer, ending: Ending): Generator<RunEventBody> {
  const { key, kept, mayBeUnread = false } = ending;
  const call = end.call === undefined ? {} : { call: end.call };
  const usage: RunEventBody = { kind: "usage.recorded", step: key, ...call, ...usageOf(end, answer, ending) };
  if (isCutOff(end, answer)) {
    yield usage;
    throw cutOff(end, ending);
  }
  if (!mayBeUnread && isLost(end, answer)) {
    yield usage;
    throw lost(end, ending);
  }
  yield { kind: "message.finished", message: key, status: "COMPLETE", ...(kept ? { native: kept } : {}) };
  yield usage;
  yield {
    kind: "step.finished",
    step: key,
    status: "SUCCEEDED",
    output: { finish: end.refused ? "refusal" : end.reason, ...(end.id === undefined ? {} : { answer: end.id }) },
  };
}

/**
 * The calls of an answer that the token limit cut, to be refused: their arguments may look complete and not be. Have the platform end them before
 * the message ends, so that no later turn makes them.
 */
export function cutCalls({ reason }: CompleteEnd, { calls }: Pick<Answer, "calls">): ToolRequest[] {
  const problem = "The answer was cut before its arguments were complete.";
  return reason === "length" ? calls.map((call) => ({ ...call, problem })) : [];
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

/** Models that say nothing more count the end of their turn. */
const endTokens = 1;

/** Whether the provider counts what it wrote and none of it could be read. */
function isLost({ usage, refused }: CompleteEnd, { length }: Answer): boolean {
  return length === 0 && refused !== true && (usage?.outputTokens ?? 0) > endTokens;
}

function lost({ usage }: CompleteEnd, { plugin, model }: Ending): WeftlineError {
  const problem = `it counted ${usage?.outputTokens} tokens and sent nothing that can be read.`;
  return new WeftlineError("PROVIDER_FAILED", { provider: model.provider, plugin, status: 200, problem });
}

/** What was not reported is estimated. */
function usageOf(
  { usage = {} }: CompleteEnd,
  { length }: Answer,
  { model, asked }: Ending,
): TokenUsage & { provider: string; model: string } {
  const { inputTokens = estimate(asked()), outputTokens = estimate(length) } = usage;
  const isEstimated = model.provenance === "SIMULATED" || usage.inputTokens === undefined || usage.outputTokens === undefined;
  const counts = { ...usage, inputTokens, outputTokens, ...(isEstimated ? { estimated: true } : {}) };
  return { provider: model.provider, model: model.model, ...counts };
}

/** Four characters a token, which is near enough for English. */
function estimate(characters: number): number {
  return Math.ceil(characters / 4);
}
