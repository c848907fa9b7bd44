import { loadExpressions, messageOf } from "#weftline";
import { nodeProblem } from "./node-failure.ts";

/** What expressions see: `state`, `input` and, where something was sent to the node, what it is called there. */
export interface ExpressionScope {
  readonly values: Readonly<Record<string, unknown>>;
  /** Whose run it is: what takes long is evaluated by turns. */
  readonly owner: string;
}

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
export async function evaluate(text: string, { values, owner }: ExpressionScope): Promise<unknown> {
  try {
    return await language.compile(text).evaluate(values, owner);
  } catch (error) {
    throw nodeProblem(`${text}: ${firstLine(error)}`, error);
  }
}

/** Fills in a text with `${expression}`s. One that is nothing but an expression is that expression's value. */
export async function fill(template: string, scope: ExpressionScope): Promise<unknown> {
  const parts = partsOf(template);
  const [only] = parts;
  if (parts.length === 1 && only && "expression" in only) return evaluate(only.expression, scope);
  const texts: string[] = [];
  for (const part of parts) texts.push("text" in part ? part.text : textOf(await evaluate(part.expression, scope)));
  return texts.join("");
}

/** The same as text. */
export async function fillText(template: string, scope: ExpressionScope): Promise<string> {
  return textOf(await fill(template, scope));
}

/** Fills in every text within a value. */
export async function fillAll(value: unknown, scope: ExpressionScope): Promise<unknown> {
  if (typeof value === "string") return fill(value, scope);
  if (typeof value !== "object" || value === null) return value;
  const filled: [string, unknown][] = [];
  for (const [name, each] of Object.entries(value)) filled.push([name, await fillAll(each, scope)]);
  return Array.isArray(value) ? filled.map(([, each]) => each) : Object.fromEntries(filled);
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

/** The rest of a message draws where in the expression it went wrong. */
function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0]?.trim() ?? "";
}
