import type * as Sdk from "openai";
import { WeftlineError, retryAfterMs, type ErrorCode } from "#weftline";

/** Whose failure it is, and what must not be repeated in words about it. */
export interface Blame {
  readonly provider: string;
  /** The framework that asked. */
  readonly plugin: string;
  readonly secrets: readonly string[];
}

type SdkErrors = Pick<typeof Sdk, "APIError" | "APIConnectionError" | "APIConnectionTimeoutError" | "OpenAIError">;

const longestProblem = 500;

/**
 * What went wrong between the SDK and the provider, in Weftline's words. Neither its message, its details nor its cause hold a secret.
 */
export function providerError(error: unknown, sdk: SdkErrors, blame: Blame): WeftlineError {
  if (error instanceof WeftlineError) return error;
  // The SDK wraps what its request was refused with here.
  if (error instanceof sdk.APIConnectionError && error.cause instanceof WeftlineError) return error.cause;
  if (error instanceof sdk.APIConnectionTimeoutError || timedOut(error)) return failure("PROVIDER_TIMEOUT", blame, {}, error);
  if (brokeOff(error)) return failure("CONNECTION_LOST", blame, {}, error);
  if (error instanceof sdk.APIConnectionError) return failure("PROVIDER_UNREACHABLE", blame, {}, error);
  if (error instanceof sdk.APIError)
    return error.status === undefined ? streamFailure(error, blame, error) : refused(error, error.status, blame);
  if (error instanceof SyntaxError) return notJson(blame, error);
  if (error instanceof TypeError || error instanceof sdk.OpenAIError) return failure("CONNECTION_LOST", blame, {}, error);
  return new WeftlineError("INTERNAL", {}, { cause: error });
}

/** A failure as a provider reports it within a stream, when the status had long been 200. */
export interface StreamReport {
  /** The provider's own, as in `rate_limit_exceeded`, or a status as a number or text. */
  readonly code?: unknown;
  /** Its kind, as in `overloaded_error`. */
  readonly type?: unknown;
  readonly status?: unknown;
  readonly message: string;
}

/** What such a failure is: the same as the status would be that it stands for, as number, text or type. */
export function streamFailure(report: StreamReport, blame: Blame, cause?: unknown): WeftlineError {
  const named = [report.code, report.type, report.status]
    .filter((each) => typeof each === "string" || typeof each === "number")
    .map((each) => String(each).toLowerCase())
    .filter((each) => each !== "" && each !== "error");
  const status = named.map(Number).find((each) => each >= 400 && each < 600) ?? 0;
  const says = (words: RegExp): boolean => named.some((each) => words.test(each));
  const problem = redacted(report.message.replace(/^\d{3} /, "") || "It gave no reason.", blame);
  const details = { status: named[0] ?? 200, problem };
  if (status === 429 || says(/rate_?limit|too_many|quota|resource_?exhausted|throttl/))
    return failure("PROVIDER_RATE_LIMITED", blame, { ...details, retryable: !says(/insufficient_quota/) }, cause);
  if (status === 401 || status === 403 || says(/auth|api_key|permission|forbidden/))
    return failure("PROVIDER_AUTH", blame, { status: details.status, retryable: false }, cause);
  if (status === 408 || status === 504 || says(/timed?_?out|deadline/)) return failure("PROVIDER_TIMEOUT", blame, details, cause);
  const temporary = named.length === 0 || status === 409 || status >= 500 || says(/server|internal|overload|unavailable/);
  return failure(temporary ? "PROVIDER_FAILED" : "PROVIDER_REJECTED", blame, details, cause);
}

/** An event, or an answer, that is not JSON. */
export function notJson(blame: Blame, cause: unknown): WeftlineError {
  return failure("PROVIDER_FAILED", blame, { status: 200, problem: "it sent an event that is not JSON." }, cause);
}

/** A body that is no answer at all, as a page for people: the address is not that of the API. */
export function answeredOtherwise(contentType: string | null, body: string, blame: Blame): WeftlineError {
  const begins = redacted(JSON.stringify(body.trim().slice(0, 120)), blame);
  const problem = `it answered with ${contentType ?? "something"} instead of a stream of events: ${begins}. Check the base URL of the binding.`;
  return failure("PROVIDER_REJECTED", blame, { status: 200, problem }, undefined);
}

function refused(error: InstanceType<typeof Sdk.APIError>, status: number, blame: Blame): WeftlineError {
  const requestId = error.requestID ? { requestId: error.requestID } : {};
  const details = { status, problem: redacted(error.message.replace(/^\d{3} /, ""), blame), ...requestId };
  if (status === 401 || status === 403) return failure("PROVIDER_AUTH", blame, { status, retryable: false, ...requestId }, error);
  if (status === 408 || status === 504) return failure("PROVIDER_TIMEOUT", blame, details, error);
  if (status === 409 || status >= 500) return failure("PROVIDER_FAILED", blame, { ...details, ...waitOf(error.headers) }, error);
  if (status !== 429) return failure("PROVIDER_REJECTED", blame, details, error);
  // A quota that is used up does not come back by waiting.
  const spent = error.code === "insufficient_quota";
  return failure("PROVIDER_RATE_LIMITED", blame, { ...details, retryable: !spent, ...waitOf(error.headers) }, error);
}

function failure(code: ErrorCode, blame: Blame, details: Readonly<Record<string, unknown>>, cause: unknown): WeftlineError {
  return new WeftlineError(code, { provider: blame.provider, plugin: blame.plugin, ...details }, ...causeOf(cause, blame));
}

/** A copy of the cause for the log: the original repeats what the provider said, which may be the key. */
function causeOf(cause: unknown, blame: Blame): [] | [{ cause: Error }] {
  if (!(cause instanceof Error)) return [];
  const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  const copy = new Error(redacted(cause.message + inner, blame));
  copy.name = cause.constructor.name;
  return [{ cause: copy }];
}

/** Undici gives up on silent servers by itself, after five minutes. */
function timedOut(error: unknown): boolean {
  return causedBy(error, ["UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "UND_ERR_CONNECT_TIMEOUT", "ETIMEDOUT"]);
}

/** Whether a connection that stood broke, before the answer or within it. */
export function brokeOff(error: unknown): boolean {
  return causedBy(error, ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);
}

function causedBy(error: unknown, codes: readonly unknown[]): boolean {
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++)
    if ("code" in each && codes.includes(each.code)) return true;
  return false;
}

/** How long the provider asks to wait, in milliseconds. */
function waitOf(headers: Headers | undefined): { readonly retryAfterMs?: number } {
  const ms = Number.parseFloat(headers?.get("retry-after-ms") ?? "");
  if (ms >= 0) return { retryAfterMs: ms };
  const wait = retryAfterMs(headers?.get("retry-after"));
  return wait === undefined ? {} : { retryAfterMs: wait };
}

/** A text without secrets, those that are known and those that look like one. */
export function redacted(text: string, { secrets }: Pick<Blame, "secrets">): string {
  let safe = text;
  for (const secret of secrets) if (secret.length > 3) safe = safe.replaceAll(secret, "[secret]");
  safe = safe.replace(/\b(sk|pk|rk)-[\w*.-]{4,}/g, "[secret]").replace(/\b(Bearer|Basic)\s+[\w.~+/=*-]+/gi, "$1 [secret]");
  return safe.length > longestProblem ? `${safe.slice(0, longestProblem)}…` : safe;
}
