import { hash } from "node:crypto";
import type { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Frame } from "../pace.ts";
import type { SimulatedRequest } from "../request.ts";
import { argumentPieces, estimateTokens, inputTokens, textPieces } from "../tokens.ts";

/** A request that the API refuses, in OpenAI's words. */
export interface Problem {
  readonly status: number;
  readonly message: string;
  readonly param?: string;
  readonly code?: string;
}

/** A request that was understood, and its answer in the form that the caller asked for. */
export type Exchange =
  | { readonly kind: "problem"; readonly problem: Problem }
  | { readonly kind: "stream"; readonly frames: Iterable<Frame> }
  | { readonly kind: "document"; readonly document: object; readonly tokens: number };

/**
 * When every simulated object was created, in seconds: the first moment of 2025. An answer that depends on its request alone cannot know
 * the time.
 */
export const createdAt = 1_735_689_600;

/** Token counts of one exchange. Estimates: no tokenizer is loaded. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  /** The part of `output` that is reasoning. */
  readonly reasoning: number;
}

/** What an answer costs. */
export function usageOf(request: SimulatedRequest, answer: Answer): TokenUsage {
  const reasoning = estimateTokens(answer.reasoning ?? "");
  const calls = answer.toolCalls.reduce((sum, call) => sum + estimateTokens(call.name + call.arguments), 0);
  return { input: inputTokens(request), output: reasoning + estimateTokens(answer.text) + calls, reasoning };
}

/** How many pieces an answer would be streamed in. */
export function pieceCount(answer: Answer): number {
  const calls = answer.toolCalls.reduce((sum, call) => sum + argumentPieces(call.arguments).length, 0);
  return textPieces(answer.reasoning ?? "").length + textPieces(answer.text).length + calls;
}

/** Makes ids that depend on a request and on what they name, and on nothing else. */
export type IdMaker = (prefix: string, index?: number) => string;

/** The id maker of a request body. */
export function idsOf(body: string): IdMaker {
  const seed = hash("sha256", body, "hex");
  return (prefix, index = 0) => `${prefix}${hash("sha256", `${seed}${prefix}${index}`, "hex").slice(0, 24)}`;
}

/** Refuses a request. */
export function refuse(problem: Problem): Exchange {
  return { kind: "problem", problem };
}

/** What is wrong with a body that does not fit its schema: the first fault, as OpenAI reports it. */
export function schemaProblem(error: z.ZodError): Problem {
  const [issue] = error.issues;
  const param = (issue?.path ?? []).reduce<string>(
    (path, key) => (typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`),
    "",
  );
  const missing = issue?.code === "invalid_type" && issue.input === undefined;
  const message = missing ? `Missing required parameter: '${param}'.` : `Invalid value for '${param}': ${issue?.message ?? "not valid"}.`;
  return { status: 400, message, ...(param === "" ? {} : { param }), code: missing ? "missing_required_parameter" : "invalid_value" };
}

/** The response to a request that is refused. */
export function problemResponse(problem: Problem, headers: Readonly<Record<string, string>>): Response {
  const { status, message, param = null, code = null } = problem;
  return Response.json({ error: { message, type: "invalid_request_error", param, code } }, { status, headers });
}
