import { GraphQLError } from "graphql";
import { WeftlineError, asWeftlineError, type ErrorCode, type ErrorKind } from "../errors.ts";
import type { Logger } from "../kernel/spec.ts";

/** What an error is reported with. */
export interface ErrorContext {
  readonly requestId: string;
  readonly log: Logger;
}

/**
 * The error as a client may see it. An expected failure keeps its words and says its code and fix; a bug becomes INTERNAL and is
 * logged under the request's id. Errors that GraphQL itself raised (a syntax error, a wrong variable) pass.
 */
export function publicError(error: unknown, context: ErrorContext): GraphQLError {
  if (isGraphQLOnly(error)) return withCode(error);
  const located = error instanceof GraphQLError ? error : undefined;
  const known = asWeftlineError(causeOf(error));
  const masked = known.kind === "internal" || known.kind === "boot";
  if (masked)
    context.log.error({ err: causeOf(error), requestId: context.requestId, path: located?.path?.join(".") }, "an operation failed");
  const shown = masked ? new WeftlineError("INTERNAL") : known;
  return new GraphQLError(shown.message, {
    ...(located ? { nodes: located.nodes, path: located.path } : {}),
    extensions: {
      ...extensionsOf(shown, context.requestId),
      // What is refused as a whole is answered with a status of its own; a failing field leaves the rest of the answer good.
      ...(located ? {} : { http: { status: statusOf(shown), headers: retryHeaders(shown) } }),
    },
  });
}

/** What a client is told of an error beside its message; `issues` names the fields of a wrong input. */
export function extensionsOf(error: WeftlineError, requestId: string): Readonly<Record<string, unknown>> {
  const { retryAfterMs, path, issues = path && [{ path, message: error.message }] } = error.details;
  return {
    code: publicCode(error),
    fix: error.fix,
    requestId,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(error.code !== "INVALID_INPUT" || issues === undefined ? {} : { issues }),
  };
}

/** What a failure of each kind is called in HTTP; 500 for the rest. */
const statusOfKind: Partial<Record<ErrorKind, number>> = {
  input: 400,
  notFound: 404,
  conflict: 409,
  forbidden: 403,
  unauthenticated: 401,
  unavailable: 503,
  budget: 402,
  rateLimited: 429,
};

/** Where HTTP has a closer word than for the kind. */
const statusOfCode: Partial<Record<ErrorCode, number>> = { REQUEST_ENTITY_TOO_LARGE: 413, REQUEST_TIMEOUT: 408 };

/** The HTTP status of a request that is refused as a whole. */
export function statusOf({ kind, code }: WeftlineError): number {
  return statusOfCode[code] ?? statusOfKind[kind] ?? 500;
}

/** When to come again, where it is known. */
export function retryHeaders({ details: { retryAfterMs } }: WeftlineError): { readonly "retry-after"?: string } {
  return retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) };
}

/** The codes of kinds that clients treat alike, whatever the reason; else the error's own. */
export function publicCode({ kind, code }: WeftlineError): string {
  if (kind === "unavailable") return "UNAVAILABLE";
  if (kind === "rateLimited") return "RATE_LIMITED";
  return kind === "unauthenticated" ? "UNAUTHENTICATED" : code;
}

/** The first error of a chain that is ours, or the one at its end. */
function causeOf(error: unknown): unknown {
  let at = error;
  while (at instanceof Error && !(at instanceof WeftlineError)) {
    const next = (at instanceof GraphQLError ? at.originalError : undefined) ?? at.cause;
    if (next === undefined || next === null) return at;
    at = next;
  }
  return at;
}

/** Whether GraphQL raised it itself: nothing else stands behind it. */
function isGraphQLOnly(error: unknown): error is GraphQLError {
  return error instanceof GraphQLError && causeOf(error) instanceof GraphQLError;
}

/** A request that GraphQL refuses before it resolves anything has a code too. */
function withCode(error: GraphQLError): GraphQLError {
  if (typeof error.extensions["code"] === "string" && error.extensions["code"] !== "BAD_USER_INPUT") return error;
  if (error.path !== undefined) return error;
  error.extensions["code"] = "INVALID_INPUT";
  return error;
}

/** The error without what only the HTTP transport reads from it. */
export function withoutHttp(error: GraphQLError): GraphQLError {
  const { http, ...extensions } = error.extensions;
  if (http === undefined) return error;
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions,
  });
}
