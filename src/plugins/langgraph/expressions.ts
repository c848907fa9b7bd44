import { loadExpressions, messageOf } from "#weftline";
import { nodeProblem } from "./node-failure.ts";

/** What expressions see: `state`, `input` and, where something was sent to the node, what it is called there. */
export type ExpressionScope = Readonly<Record<string, unknown>>;

/** With the limits on time and size that hold for every expression of a user. */
const language = loadExpressions("any");

/** Why something is no CEL expression, or nothing. */
export function expressionProblem(text: string): string | undefined {
  try {
    language.compile(text);
    return undefined;
  } catch (error) {
    return firstLine(error);
  }
}

/** Why a template's expressions are none, or nothing. */
export function templateProblem(text: string): string | undefined {
  for (const part of partsOf(text)) {
    const problem = "expression" in part ? expressionProblem(part.expression) : undefined;
    if (problem !== undefined) return `\${${"expression" in part ? part.expression : ""}}: ${problem}`;
  }
  return undefined;
}

/** @throws NODE_FAILED with one line that says what is wrong. */
export function evaluate(text: string, scope: ExpressionScope): unknown {
  try {
    return fromCel(language.compile(text).evaluate(scope));
  } catch (error) {
    throw nodeProblem(`${text}: ${firstLine(error)}`, error);
  }
}

/** Fills in a text with `${expression}`s. One that is nothing but an expression is that expression's value. */
export function fill(template: string, scope: ExpressionScope): unknown {
  const parts = partsOf(template);
  const [only] = parts;
  if (parts.length === 1 && only && "expression" in only) return evaluate(only.expression, scope);
  return parts.map((part) => ("text" in part ? part.text : textOf(evaluate(part.expression, scope)))).join("");
}

/** The same as text. */
export function fillText(template: string, scope: ExpressionScope): string {
  return textOf(fill(template, scope));
}

/** Fills in every text within a value. */
export function fillAll(value: unknown, scope: ExpressionScope): unknown {
  if (typeof value === "string") return fill(value, scope);
  if (Array.isArray(value)) return value.map((each) => fillAll(each, scope));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fillAll(each, scope)]));
}

/** Every text within a value. */
export function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

type Part = { readonly text: string } | { readonly expression: string };

function partsOf(template: string): Part[] {
  return template.split(/(\$\{[^}]*\})/).flatMap((part): Part[] => {
    if (part === "") return [];
    return part.startsWith("${") && part.endsWith("}") ? [{ expression: part.slice(2, -1) }] : [{ text: part }];
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

function fromCel(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, each]) => [String(name), fromCel(each)]));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fromCel(each)]));
}

/** The rest of a message draws where in the expression it went wrong. */
function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0]?.trim() ?? "";
}
