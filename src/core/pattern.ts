import { createContext, Script } from "node:vm";
import { WeftlineError } from "./errors.ts";

/** A regular expression that a user wrote. */
export interface Pattern {
  /** @throws WORK_TOO_LONG where that takes longer than there is time. */
  test(text: string): boolean;
}

/** Tests with patterns of users, in a time that they share. */
export interface Patterns {
  /** @throws SyntaxError for what is no regular expression. */
  compile(source: string, flags?: string): Pattern;
  /** Runs work that tests texts, with all the time ahead of it. */
  within<T>(work: () => T): T;
}

/** A text so short that no pattern takes long over it. */
const shortText = 8;

/**
 * Patterns that cannot hold up the server: one that backtracks without end is stopped, and with it the work that it is part of.
 *
 * @param budgetMs how long all tests within one piece of work may take.
 * @example patterns.within(() => patterns.compile("^(a+)+$", "u").test(text));
 */
export function createPatterns(budgetMs = 100): Patterns {
  // Made at the first use, since few schemas have patterns: a regular expression can be stopped only where it runs as a script.
  let place: { readonly context: { pattern?: RegExp; text?: string }; readonly script: Script } | undefined;
  let deadline = 0;

  const test = (pattern: RegExp, text: string): boolean => {
    if (text.length <= shortText) return pattern.test(text);
    const left = Math.ceil(deadline - performance.now());
    if (left <= 0) throw tooLong();
    place ??= { context: createContext({}) as { pattern?: RegExp; text?: string }, script: new Script("pattern.test(text)") };
    const { context, script } = place;
    Object.assign(context, { pattern, text });
    try {
      return script.runInContext(context, { timeout: left }) as boolean;
    } catch (error) {
      throw tooLong(error);
    } finally {
      delete context.text;
    }
  };

  return {
    compile: (source, flags) => {
      const pattern = new RegExp(source, flags);
      return { test: (text) => test(pattern, text) };
    },
    within: (work) => {
      deadline = performance.now() + budgetMs;
      return work();
    },
  };
}

function tooLong(cause?: unknown): WeftlineError {
  const details = { what: "The patterns of the schema", message: "The patterns of the schema take too long; make them simpler." };
  return new WeftlineError("WORK_TOO_LONG", details, { cause });
}
