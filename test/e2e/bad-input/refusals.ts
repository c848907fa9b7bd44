import { beforeAll, expect, it } from "vitest";
import type { TestPlatform } from "../../../src/testing/index.ts";
import { mutate, secret, stateOf, type Arguments } from "../world.ts";

type ErrorType = "InvalidInputError" | "NotFoundError" | "ConflictError" | "UnavailableError";

/** A mutation that must be refused, and how. */
export interface Refusal {
  /** The mutation's name and what is wrong with its arguments. */
  readonly what: string;
  readonly args: Arguments | (() => Arguments);
  readonly type: ErrorType;
  readonly code: string;
  readonly path: readonly string[];
  /** What the reader is told, words and fix in one. */
  readonly says: RegExp;
}

type Expecting = (what: string, args: Refusal["args"], path: string, says: RegExp) => Refusal;

function expecting(type: ErrorType, code: string): Expecting {
  return (what, args, path, says) => ({ what, args, type, code, path: path.split("."), says });
}

export const invalid = expecting("InvalidInputError", "INVALID_INPUT");
export const unknownFramework = expecting("InvalidInputError", "FRAMEWORK_UNKNOWN");
export const missing = expecting("NotFoundError", "NOT_FOUND");
export const conflict = expecting("ConflictError", "CONFLICT");
export const stale = expecting("ConflictError", "VERSION_CONFLICT");
export const inactive = expecting("ConflictError", "AGENT_NOT_ACTIVE");
export const busy = expecting("ConflictError", "BUSY");
export const decided = expecting("ConflictError", "DECISION_CONFLICT");
export const unavailable = expecting("UnavailableError", "UNAVAILABLE");

/** One test for each: it is refused with the right type, code and path, says what to do, shows no secret and changes nothing. */
export function refuses(app: () => TestPlatform, cases: readonly Refusal[]): void {
  let before: unknown;
  beforeAll(async () => {
    before = await stateOf(app());
  });
  it.each(cases)("$what", async ({ what, args, type, code, path, says }) => {
    const [name = ""] = what.split(" ");
    const refused = await mutate(app(), name, typeof args === "function" ? args() : args);
    expect(await stateOf(app())).toEqual(before);
    expect(refused).toMatchObject({ __typename: type, code, path });
    const words = `${refused.message} ${refused.fix}`;
    expect(words).toMatch(says);
    expect(words).not.toMatch(/\[object|NaN|\{\w+\}/);
    expect(JSON.stringify(refused)).not.toContain(secret);
    if (type !== "InvalidInputError") return;
    const issues = refused.issues ?? [];
    expect(issues.filter((issue) => path.every((part, at) => issue.path[at] === part))).not.toEqual([]);
    for (const { message } of issues) expect(message).not.toBe("");
  });
}

export function long(length: number): string {
  return "x".repeat(length);
}
