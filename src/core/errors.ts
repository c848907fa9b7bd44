import { bootErrors } from "./errors/boot.ts";
import type { CodeEntry, ErrorKind } from "./errors/entry.ts";
import { requestErrors } from "./errors/requests.ts";
import { runErrors } from "./errors/runs.ts";

export type { ErrorKind };

/** Every code that Weftline throws. `docs/errors.md` is printed from it and a test holds both together. */
export const errorCodes = { ...bootErrors, ...requestErrors, ...runErrors } as const satisfies Record<string, CodeEntry>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCodes;

/** One field that is wrong. */
export interface InputProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What a {@link WeftlineError} knows besides its code. Any other key fills a placeholder of the message. Never put a secret here. */
export interface ErrorDetails {
  /** Replaces the catalogue's message. */
  readonly message?: string;
  /** The plugin at fault. */
  readonly plugin?: string;
  /** Replaces the catalogue's fix. */
  readonly fix?: string;
  /** The argument at fault, as in `["input", "name"]`. */
  readonly path?: readonly string[];
  readonly issues?: readonly InputProblem[];
  /** Milliseconds to wait before another try. */
  readonly retryAfterMs?: number;
  /** Whether the same work may succeed when it is tried again. */
  readonly retryable?: boolean;
  readonly [placeholder: string]: unknown;
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => (name in details ? textOf(details[name]) : whole));
}

/**
 * The one error that Weftline throws.
 *
 * @example throw new WeftlineError("NOT_FOUND", { what: "thread", path: ["input", "thread"] });
 */
export class WeftlineError extends Error {
  override readonly name = "WeftlineError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(details.message ?? fill(errorCodes[code].says, details), options);
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return errorCodes[this.code].kind;
  }

  /** What the reader can do about it. */
  get fix(): string {
    return this.details.fix ?? fill(errorCodes[this.code].fix, this.details);
  }

  /** Whether trying the same again may help. */
  get retryable(): boolean {
    return this.details.retryable ?? (this.kind === "unavailable" || this.kind === "rateLimited");
  }
}

/** The error itself if it is a {@link WeftlineError}, else an INTERNAL one around it. */
export function asWeftlineError(error: unknown): WeftlineError {
  return error instanceof WeftlineError ? error : new WeftlineError("INTERNAL", {}, { cause: error });
}

/** The words of an error or of anything else that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : textOf(error);
}

/** `String` for any value: an object may lack a usable `toString`, or have one that throws. */
function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
