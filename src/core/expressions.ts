import { createRequire } from "node:module";
import type * as Cel from "@marcbachmann/cel-js";
import { WeftlineError, messageOf } from "./errors.ts";
import { hasSizeWithin } from "./json/size.ts";
import { createTimeLimit } from "./time-limit.ts";

/** The longest expression, in characters. */
const maxLength = 2_000;
/** How long one evaluation may take that could take long, in milliseconds. */
const maxMs = 250;
/** The largest value of one, in characters of JSON. */
const maxSize = 1_048_576;
/** What has more parts is watched: each of them may be as long as its arguments. */
const maxQuickNodes = 100;
/** Functions that take no longer than their arguments are long: an expression with no others needs no watch over its time. */
const quickCalls = new Set([
  "has",
  "size",
  "startsWith",
  "endsWith",
  "contains",
  "string",
  "int",
  "double",
  "bool",
  "type",
  "dyn",
  "timestamp",
  "duration",
]);

/** An expression in CEL that a user wrote, compiled and checked. */
export interface Expression {
  /** The CEL type of its value, as `bool`; `dyn` where that shows only when it is evaluated. */
  readonly type: string;
  /** The members of a variable that it names, as `to` and `size` of `args.to == "" && args["size"] > 1`. */
  membersOf(variable: string): readonly string[];
  /**
   * Its value. Whole numbers of JSON are CEL's int, and int mixes with double.
   *
   * @throws INVALID_INPUT where it has none, takes too long, or would be too large.
   */
  evaluate(variables: Readonly<Record<string, unknown>>): unknown;
}

/** Compiles expressions over some variables. */
export interface Expressions {
  /** @throws INVALID_INPUT saying what is wrong with it. */
  compile(source: string): Expression;
}

/**
 * Expressions in CEL, which is loaded with the first of them since few installations have any.
 *
 * @param variables the CEL type of each variable by its name; `any` where their names are not known before.
 * @example const { compile } = loadExpressions({ args: "map<string, dyn>" });
 */
export function loadExpressions(variables: Readonly<Record<string, string>> | "any"): Expressions {
  let loaded: Cel.Environment | undefined;
  const limit = createTimeLimit();
  return {
    compile(source) {
      if (source.trim() === "") throw wrong("it is empty");
      if (source.length > maxLength) throw wrong(`it has more than ${maxLength} characters`);
      const environment = (loaded ??= environmentOf(variables));
      const parsed = attempt("", () => environment.parse(source));
      const { valid, type = "dyn", error } = attempt("", () => parsed.check());
      if (!valid) throw wrong(firstLine(error), error);
      const nodes = [...nodesIn(parsed.ast)];
      const isQuick = nodes.length <= maxQuickNodes && nodes.filter(canGrow).length <= 1 && nodes.every(isQuickCall);
      return {
        type,
        membersOf: (variable) => nodes.flatMap((node) => memberOf(node, variable) ?? []),
        evaluate(values) {
          const work = (): unknown => parsed(asCel(values) as object);
          const [value, fits] = attempt("it has no value here: ", () => {
            const result = isQuick ? work() : limit.within(maxMs, work);
            return [result, hasSizeWithin(result, maxSize)];
          });
          if (!fits) throw wrong("its value would be larger than 1 MiB");
          return value;
        },
      };
    },
  };
}

function environmentOf(variables: Readonly<Record<string, string>> | "any"): Cel.Environment {
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

function isQuickCall({ op, args }: Cel.ASTNode): boolean {
  return (op !== "call" && op !== "rcall") || quickCalls.has(args[0]);
}

/** One `+` joins two lists; many of them copy the same items again and again. */
function canGrow({ op }: Cel.ASTNode): boolean {
  return op === "+";
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

function asCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(asCel);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asCel(member)]));
}

function* nodesIn(part: unknown): Generator<Cel.ASTNode> {
  if (Array.isArray(part)) for (const each of part) yield* nodesIn(each);
  else if (typeof part === "object" && part !== null && "op" in part) {
    const node = part as Cel.ASTNode;
    yield node;
    yield* nodesIn(node.args);
  }
}

function memberOf({ op, args }: Cel.ASTNode, variable: string): string | undefined {
  if (op !== "." && op !== "[]") return undefined;
  const [object, member] = args;
  if (object.op !== "id" || object.args !== variable) return undefined;
  if (typeof member === "string") return member;
  return member.op === "value" && typeof member.args === "string" ? member.args : undefined;
}

function attempt<T>(prefix: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const late = (error as { readonly code?: unknown }).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
    throw wrong(late ? `it takes too long: more than ${maxMs} ms` : `${prefix}${firstLine(error)}`, error);
  }
}

/** What follows the first line draws the place with arrows. */
function firstLine(error: unknown): string {
  return messageOf(error).split("\n")[0] ?? "";
}

function wrong(problem: string, cause?: unknown): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message: `The expression is not valid: ${problem}.` }, { cause });
}
