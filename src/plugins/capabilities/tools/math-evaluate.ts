import { Parser } from "expr-eval-fork";
import { isLonger, WeftlineError, messageOf, type ToolDefinition } from "#weftline";

const maxLength = 1_000;
const functions = ["atan2", "fac", "gamma", "hypot", "if", "max", "min", "pow", "roundTo"] as const;

/** A parser of plain arithmetic: no variables, assignments, functions of one's own, arrays, texts of objects, or chance. */
function createParser(): Parser {
  // The types do not know the switch for arrays.
  const operators = { assignment: false, fndef: false, array: false, concatenate: false, in: false, length: false, random: false };
  const parser = new Parser({ allowMemberAccess: false, operators });
  const known = parser.functions as Record<string, unknown>;
  parser.functions = bare(Object.fromEntries(functions.map((name) => [name, known[name]])));
  parser.unaryOps = bare(parser.unaryOps);
  parser.consts = bare(parser.consts);
  return parser;
}

/** Without a prototype, so that `toString` and the like name nothing. */
function bare(table: object): object {
  return Object.assign(Object.create(null) as object, table);
}

/** Calculates. */
export function createMathEvaluate(): ToolDefinition {
  const parser = createParser();
  return {
    name: "math.evaluate",
    description:
      "Calculates a mathematical expression, as in (1 + 2) * 3 ^ 2. Knows + - * / % ^ !, comparisons, and, or, not, x ? y : z, PI, E, " +
      "sqrt, cbrt, abs, ceil, floor, round, trunc, sign, exp, ln, log10, log2, sin, cos, tan and their inverses (radians), " +
      "min, max, hypot, pow, roundTo(x, digits).",
    inputSchema: {
      type: "object",
      properties: { expression: { type: "string", minLength: 1, maxLength, description: "The expression." } },
      required: ["expression"],
      additionalProperties: false,
    },
    outputSchema: {
      type: "object",
      properties: { result: { type: ["number", "boolean"], description: "The value." } },
      required: ["result"],
      additionalProperties: false,
    },
    sideEffects: "NONE",
    approval: "NEVER",
    idempotent: true,
    timeoutMs: 1_000,
    execute: ({ expression }: { readonly expression: string }) => ({ result: evaluate(parser, expression) }),
  };
}

function evaluate(parser: Parser, expression: string): number | boolean {
  if (isLonger(expression, maxLength)) throw refused(`An expression has at most ${maxLength} characters.`);
  const value = valueOf(parser, expression);
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) return value;
  throw refused(
    typeof value === "number" ? `The result is not a finite number: ${value}.` : "The result is neither a number nor true or false.",
  );
}

function valueOf(parser: Parser, expression: string): unknown {
  try {
    return parser.parse(expression).evaluate(bare({}) as never);
  } catch (error) {
    throw refused(`This is not an expression that can be calculated: ${messageOf(error)}.`);
  }
}

function refused(message: string): WeftlineError {
  return new WeftlineError("INVALID_INPUT", { message, path: ["expression"] });
}
