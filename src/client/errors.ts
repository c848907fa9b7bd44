/** A failure as the server put it: what happened, what fixes it, and the id under which the server logged it. */
export interface ServerError {
  readonly message: string;
  readonly extensions?: { readonly code?: string; readonly fix?: string; readonly requestId?: string };
}

/** The server refused an operation or ended a stream with an error, or the connection cannot be made. */
export class WeftlineClientError extends Error {
  override readonly name = "WeftlineClientError";
  /** As in NOT_FOUND, INVALID_CURSOR, UNAVAILABLE, RATE_LIMITED, UNAUTHENTICATED; CONNECTION where there is none to the server. */
  readonly code: string;
  /** What the server said, in full. */
  readonly errors: readonly ServerError[];

  constructor(message: string, code: string, errors: readonly ServerError[] = [], options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.errors = errors;
  }
}

/** What a socket client reports as an error: GraphQL errors, the event that closed the socket, or anything that was thrown. */
export function clientError(reported: unknown): WeftlineClientError {
  if (reported instanceof WeftlineClientError) return reported;
  if (Array.isArray(reported) && reported.length > 0) {
    const errors = reported as ServerError[];
    return new WeftlineClientError(errors.map(({ message }) => message).join("\n"), errors[0]?.extensions?.code ?? "INTERNAL", errors);
  }
  if (typeof reported === "object" && reported !== null && "code" in reported && typeof reported.code === "number") {
    const reason = "reason" in reported ? String(reported.reason) : "";
    const code = reported.code === 4403 ? "UNAUTHENTICATED" : "CONNECTION";
    return new WeftlineClientError(`The connection was closed: ${reported.code} ${reason}`.trim(), code, [], { cause: reported });
  }
  return new WeftlineClientError(reported instanceof Error ? reported.message : "The connection failed.", "CONNECTION", [], {
    cause: reported,
  });
}
