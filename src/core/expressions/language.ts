import { createRequire } from "node:module";
import type * as Cel from "@marcbachmann/cel-js";
import { isLonger } from "../json/characters.ts";
import { WeftlineError, messageOf } from "../errors.ts";
import { hasSizeWithin } from "../json/size.ts";

/** The longest expression, in characters. */
const maxLength = 2_000;
/** The largest value of one, in characters of JSON. */
const maxSize = 1_048_576;
/** How many expressions are kept compiled. */
const maxKept = 1_000;

/** The CEL type of each variable by its name; `any` where their names are not known in advance. */
export type ExpressionVariables = Readonly<Record<string, string>> | "any";

/** An expression as it was parsed and checked. */
export interface ParsedExpression {
  /** The CEL type of its value; `dyn` where that shows only when it is evaluated. */
  readonly type: string;
  readonly ast: Cel.ASTNode;
  readonly nodes: readonly Cel.ASTNode[];
  /** Its value as JSON. @throws INVALID_INPUT where it has none, or a larger one than is allowed. */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** Expressions over some variables, kept once they are parsed. */
export interface ExpressionLanguage {
  /** @throws INVALID_INPUT saying what is wrong with it. */
  parse(source: string): ParsedExpression;
}

/** CEL is loaded with the first expression: few installations have any. */
export function createLanguage(variables: ExpressionVariables): ExpressionLanguage {
  let environment: Cel.Environment | undefined;
  const kept = new Map<string, ParsedExpression>();

  const parse = (source: string): ParsedExpression => {
    const loaded = (environment ??= environmentOf(variables));
    const { parsed, type } = checked(loaded, source);
    return {
      type,
      ast: parsed.ast,
      nodes: [...nodesIn(parsed.ast)],
      evaluate(values) {
        const value = attempt("it has no value here: ", () => parsed(toCel(values) as object) as unknown);
        return fromCel(bounded(value));
      },
    };
  };
  return {
    parse(source) {
      const known = kept.get(source);
      if (known) return known;
      const parsed = parse(source);
      if (kept.size >= maxKept) kept.clear();
      kept.set(source, parsed);
      return parsed;
    },
  };
}

/**
 * The value of an expression that only names a variable and members, which needs no evaluation.
 *
 * @throws INVALID_INPUT where there is none, or a larger one than is allowed.
 */
export function valueAt([variable = "", ...members]: readonly string[], values: Readonly<Record<string, unknown>>): unknown {
  if (!Object.hasOwn(values, variable)) throw invalidExpression(`it has no value here: Unknown variable: ${variable}`);
  let value = values[variable];
  for (const name of members) {
    const isKnown = typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, name);
    if (!isKnown) throw invalidExpression(`it has no value here: No such key: ${name}`);
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return bounded(value);
}

function bounded(value: unknown): unknown {
  if (hasSizeWithin(value, maxSize)) return value;
  throw invalidExpression("its value would be larger than 1 MiB");
}

/**
 * Parses an expression and checks its types. The two sides of `? :` may differ, as values of JSON do.
 *
 * @throws INVALID_INPUT saying what is wrong with it.
 */
export function checked(environment: Cel.Environment, source: string): { readonly parsed: Cel.ParseResult; readonly type: string } {
  const parsed = parsedBy(environment, source);
  const { valid, type = "dyn", error } = attempt("", () => parsed.check());
  if (valid) return { parsed, type };
  const mixed = error?.code === "incompatible_ternary_branches" ? withDynamicBranches(parsed.ast, source) : source;
  if (mixed === source) throw invalidExpression(firstLine(error), error);
  return checked(environment, mixed);
}

/** Parses an expression without a look at its types. @throws INVALID_INPUT saying what is wrong with it. */
export function parsedBy(environment: Cel.Environment, source: string): Cel.ParseResult {
  if (source.trim() === "") throw invalidExpression("it is empty");
  if (isLonger(source, maxLength)) throw invalidExpression(`it has more than ${maxLength} characters`);
  return attempt("", () => environment.parse(source));
}

/** The same expression, of whose conditional parts the type shows only when they are evaluated. */
function withDynamicBranches(ast: Cel.ASTNode, source: string): string {
  const inserted: (readonly [at: number, text: string])[] = [];
  for (const { op, args } of nodesIn(ast)) {
    if (op !== "?:") continue;
    for (const { op: branch, args: inner, start, end } of args.slice(1)) {
      if (branch === "call" && inner[0] === "dyn") continue;
      inserted.push([start, "dyn("], [end, ")"]);
    }
  }
  let mixed = source;
  for (const [at, text] of inserted.toSorted(([a], [b]) => b - a)) mixed = mixed.slice(0, at) + text + mixed.slice(at);
  return mixed;
}

/** An environment of CEL as expressions of users have it. */
export function environmentOf(variables: ExpressionVariables): Cel.Environment {
  const cel = createRequire(import.meta.url)("@marcbachmann/cel-js") as typeof Cel;
  const environment = new cel.Environment({
    limits: { maxAstNodes: 500, maxDepth: 40 },
    homogeneousAggregateLiterals: false,
    unlistedVariablesAreDyn: variables === "any",
  });
  if (variables !== "any") for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  mixNumbers(environment);
  return environment;
}

/** CEL keeps int and double apart; JSON does not. */
function mixNumbers(environment: Cel.Environment): void {
  const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
  };
  for (const [sign, apply] of Object.entries(operators)) {
    const mixed = (a: number | bigint, b: number | bigint): number => apply(Number(a), Number(b));
    environment.registerOperator(`int ${sign} double: double`, mixed);
    environment.registerOperator(`double ${sign} int: double`, mixed);
  }
}

function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toCel(member)]));
}

/**
 * Whole numbers of CEL are bigints, its maps may be Maps, and its times are Dates: JSON has none of them.
 *
 * @throws INVALID_INPUT for what JSON has no word for.
 */
function fromCel(value: unknown): unknown {
  if (typeof value === "bigint") return numberOf(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw noJson(`${value}`);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(fromCel);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !(value instanceof Map)) return fromOwnType(value);
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  return Object.fromEntries([...entries].map(([name, member]) => [String(name), fromCel(member)]));
}

/** CEL has unsigned numbers and durations as objects of its own. */
function fromOwnType(value: object): unknown {
  const plain: unknown = value.valueOf();
  if (typeof plain === "bigint") return numberOf(plain);
  if (typeof plain === "number" && "nanos" in value) return `${plain < 0 ? "-" : ""}PT${Math.abs(plain) / 1_000}S`;
  throw noJson("a type");
}

function numberOf(value: bigint): number {
  if (Number.isSafeInteger(Number(value))) return Number(value);
  throw noJson(`the whole number ${value}, which is too large for it (a text can hold it: string(...))`);
}

function noJson(what: string): WeftlineError {
  return invalidExpression(`it has no value here: JSON has no word for ${what}`);
}

function* nodesIn(part: unknown): Generator<Cel.ASTNode> {
  if (Array.isArray(part)) for (const each of part) yield* nodesIn(each);
  else if (typeof part === "object" && part !== null && "op" in part) {
    const node = part as Cel.ASTNode;
    yield node;
    yield* nodesIn(node.args);
  }
}

function attempt<T>(prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw invalidExpression(`${prefix}${firstLine(error)}`, error);
  }
}

/** What follows the first line draws the place with arrows. */
function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0] ?? "";
}

/** What is wrong with an expression. */
export function invalidExpression(problem: string, cause?: unknown): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message: `The expression is not valid: ${problem}.` }, { cause });
}
