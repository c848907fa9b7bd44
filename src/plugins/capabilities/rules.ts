import { approverProblems, mostMaxResultChars, type ApprovalRule, type SideEffects, type ToolDefinition } from "#weftline";

const sideEffects: readonly unknown[] = ["NONE", "READ", "WRITE", "EXTERNAL"] satisfies readonly SideEffects[];
/** What timers take. */
const mostMs = 2 ** 31 - 1;

/** Definitions come from JavaScript and from other servers, too: a rule that is none must not pass for one that never asks. */
export function isApprovalRule(rule: unknown): rule is ApprovalRule {
  if (rule === "NEVER" || rule === "ALWAYS") return true;
  return typeof rule === "object" && rule !== null && "when" in rule && typeof rule.when === "string";
}

export function isSideEffects(value: unknown): value is SideEffects {
  return sideEffects.includes(value);
}

/** What of a tool's definition is not what its type says. */
export function ruleProblems(tool: ToolDefinition): string[] {
  const { approval, approvers = {}, maxResultChars = 1, timeoutMs } = tool;
  return [
    ...(isCount(timeoutMs, mostMs) ? [] : [`its timeoutMs is not a whole number from 1 to ${mostMs}`]),
    ...(isCount(maxResultChars, mostMaxResultChars) ? [] : [`its maxResultChars is not a whole number from 1 to ${mostMaxResultChars}`]),
    ...(isApprovalRule(approval) ? [] : [`its approval is ${shown(approval)}, not "NEVER", "ALWAYS" or { when: "…" }`]),
    ...approverProblems(approvers).map(({ path, message }) => `its ${["approvers", ...path].join(".")}: ${message}`),
    ...(isSideEffects(tool.sideEffects) ? [] : [`its sideEffects is ${shown(tool.sideEffects)}, not NONE, READ, WRITE or EXTERNAL`]),
    ...(typeof tool.idempotent === "boolean" ? [] : ["its idempotent is neither true nor false"]),
    ...(typeof tool.description === "string" ? [] : ["its description is no text"]),
    ...(typeof tool.execute === "function" ? [] : ["its execute is no function"]),
  ];
}

function isCount(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
