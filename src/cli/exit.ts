import { WeftlineClientError } from "../client/index.ts";
import { WeftlineError, type ErrorCode } from "../core/errors.ts";
import type { Problem } from "../core/kernel/report.ts";

/** What the exit codes of `weftline` mean. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  configInvalid: 3,
  /** A plugin failed or is incompatible, or a check failed. */
  checkFailed: 4,
  /** A migration is pending or failed. */
  migration: 5,
  interrupted: 130,
  /** 128 + SIGPIPE: the reader of the output is gone. */
  readerGone: 141,
} as const;

const codeOfPhase: Partial<Record<Problem["phase"], number>> = {
  load: exitCodes.configInvalid,
  configure: exitCodes.configInvalid,
  resolve: exitCodes.configInvalid,
  compose: exitCodes.checkFailed,
  setup: exitCodes.checkFailed,
  ready: exitCodes.checkFailed,
};

const codeOfError: Partial<Record<ErrorCode, number>> = {
  CONFIG_NOT_FOUND: exitCodes.configInvalid,
  CONFIG_INVALID: exitCodes.configInvalid,
  BIND_WITHOUT_AUTH: exitCodes.configInvalid,
  PLUGIN_HOST_RANGE: exitCodes.checkFailed,
  MIGRATION_PENDING: exitCodes.migration,
  MIGRATION_FAILED: exitCodes.migration,
};

/** The exit code for an error. A boot that failed exits as its first problem does. */
export function exitCodeOf(error: unknown): number {
  if (isInterrupt(error)) return exitCodes.interrupted;
  if (!(error instanceof WeftlineError)) return exitCodes.failed;
  const [problem] = (error.details["problems"] as readonly Problem[] | undefined) ?? [];
  if (problem) return codeOfError[problem.error.code] ?? codeOfPhase[problem.phase] ?? exitCodes.failed;
  return codeOfError[error.code] ?? exitCodes.failed;
}

/** An error for a terminal: what happened and what to do. Only what nobody foresaw shows where it came from. */
export function describeError(error: unknown): string {
  if (error instanceof WeftlineClientError) {
    const fix = error.errors[0]?.extensions?.fix;
    return `${withCode(error)}${fix === undefined ? "" : `\n  → ${fix}`}`;
  }
  if (isInterrupt(error)) return "Interrupted.";
  if (!(error instanceof WeftlineError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (error.code === "BOOT_FAILED") return describeBoot(error);
  const cause = error.code === "INTERNAL" && error.cause instanceof Error ? `\n${error.cause.stack ?? error.cause.message}` : "";
  return `${withCode(error)}\n  → ${error.fix}${cause}`;
}

/** What an aborted {@link interruptSignal} is thrown as. */
function isInterrupt(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Its report names each problem and what to do; the code belongs to the headline. */
function describeBoot({ message, code, details }: WeftlineError): string {
  const problems = (details["problems"] as readonly Problem[] | undefined) ?? [];
  const stacks = problems.flatMap(({ error: { code: of, cause } }) =>
    of === "PLUGIN_SETUP_FAILED" && cause instanceof Error && cause.stack !== undefined ? [ownFrames(cause.stack)] : [],
  );
  return [withCode({ message, code }), ...stacks].join("\n");
}

/** The code stands behind the first line: behind the fix it would read as part of a command. */
function withCode({ message, code }: { readonly message: string; readonly code: string }): string {
  return message.replace(/$/m, ` [${code}]`);
}

/** A stack up to where the platform called the plugin. */
function ownFrames(stack: string): string {
  const lines = stack.split("\n");
  const end = lines.findIndex((line) => /^\s+at .*\bcore[\\/]kernel[\\/]/.test(line));
  return lines
    .slice(0, end === -1 ? lines.length : end)
    .map((line) => `    ${line}`)
    .join("\n");
}
