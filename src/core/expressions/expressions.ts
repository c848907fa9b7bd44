import { WeftlineError } from "../errors.ts";
import { hasSizeWithin } from "../json/size.ts";
import type { MaybePromise } from "../kernel/spec.ts";
import { createOffload } from "../offload/offload.ts";
import { boundOf, membersNamed, neededValues, pathOf, readsOf } from "./cost.ts";
import type { ExpressionTask } from "./expressions-thread.ts";
import { createLanguage, valueAt, type ExpressionVariables, type ParsedExpression } from "./language.ts";

/** How long one evaluation may take that could take long, in milliseconds. */
const maxMs = 250;

/** An expression in CEL that a user wrote, compiled and checked. */
export interface Expression {
  /** The CEL type of its value, as `bool`; `dyn` where that shows only when it is evaluated. */
  readonly type: string;
  /** The members of a variable that it names, as `to` and `size` of `args.to == "" && args["size"] > 1`. */
  membersOf(variable: string): readonly string[];
  /** Whether it reads a variable as a whole, not only members of it that it names. */
  readsAllOf(variable: string): boolean;
  /**
   * Its value as JSON: at once where that cannot take long, and else on a thread of its own, in limited time. Whole numbers of JSON are CEL's int,
   * and int mixes with double.
   *
   * @param variables as JSON.
   * @param caller whom it is evaluated for: where it may take long, callers have their turns.
   * @throws INVALID_INPUT where it has none, or a larger one than is allowed; WORK_TOO_LONG; RATE_LIMITED where the caller has too much waiting.
   */
  evaluate(variables: Readonly<Record<string, unknown>>, caller: string): MaybePromise<unknown>;
}

/** Compiles expressions over some variables. */
export interface Expressions {
  /** @throws INVALID_INPUT saying what is wrong with it. */
  compile(source: string): Expression;
  /** Ends the thread; what is being evaluated there fails. A thread without work ends by itself. */
  close(): void;
}

/**
 * Expressions in CEL, which is loaded with the first of them since few installations have any.
 *
 * @param variables the CEL type of each variable by its name; `any` where their names are not known in advance.
 * @example const { compile } = loadExpressions({ args: "map<string, dyn>" });
 */
export function loadExpressions(variables: ExpressionVariables): Expressions {
  const language = createLanguage(variables);
  const thread = createOffload(new URL(`./expressions-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    what: "evaluating an expression",
    limitMs: maxMs,
  });
  const kept = new WeakMap<ParsedExpression, Expression>();

  const expressionOf = (source: string, parsed: ParsedExpression): Expression => {
    const mostSize = boundOf(parsed.nodes);
    const reads = readsOf(parsed.ast);
    const path = variables === "any" ? pathOf(parsed.ast) : undefined;
    return {
      type: parsed.type,
      membersOf: (variable) => membersNamed(parsed.nodes, variable),
      readsAllOf: (variable) => reads.members.get(variable)?.all ?? false,
      evaluate(all, caller) {
        if (path) return valueAt(path, all);
        const values = neededValues(reads, all);
        if (mostSize > 0 && hasSizeWithin(values, mostSize)) return parsed.evaluate(values);
        return thread.run(caller, { variables, source, values } satisfies ExpressionTask).catch(asTooLong);
      },
    };
  };
  return {
    compile(source) {
      const parsed = language.parse(source);
      const expression = kept.get(parsed) ?? expressionOf(source, parsed);
      kept.set(parsed, expression);
      return expression;
    },
    close: () => thread.close(),
  };
}

function asTooLong(error: unknown): never {
  if (!(error instanceof WeftlineError && error.code === "WORK_TOO_LONG")) throw error;
  const message = `The expression has no value: it takes too long: more than ${maxMs} ms.`;
  throw new WeftlineError("WORK_TOO_LONG", { ...error.details, message }, { cause: error });
}
