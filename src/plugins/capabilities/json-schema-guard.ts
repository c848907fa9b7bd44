import { WeftlineError, createOffload, createPatterns, type MaybePromise } from "#weftline";
import { costOf, hasMoreParts, type SchemaCost } from "./json-schema-cost.ts";
import type { SchemaTask } from "./json-schema-thread.ts";
import { createSchemaChecker, type JsonSchema, type SchemaChecker, type SchemaIssue } from "./json-schema.ts";

/** Checks by schemas that anybody wrote: at once where that cannot take long, and else on a thread of its own, in limited time. */
export interface GuardedChecker {
  /**
   * What is wrong with the value; empty where nothing is.
   *
   * @param caller whom it is checked for.
   * @throws WORK_TOO_LONG, RATE_LIMITED
   */
  check(schema: JsonSchema, value: unknown, caller?: string): MaybePromise<readonly SchemaIssue[]>;
  /** Why this is no JSON Schema that can be used, or nothing. */
  problemOf(schema: unknown, caller?: string): MaybePromise<string | undefined>;
  /** For schemas that are read while nobody can wait: of those that could take long, nothing is said before they are used. */
  readonly atOnce: Pick<SchemaChecker, "problemOf" | "tolerate">;
  close(): void;
}

/** How long patterns may take before their check moves to the thread. */
const patternMs = 20;
const limitMs = 500;
/** Patterns that are known to take long. */
const mostSlow = 1_000;

export function createGuardedChecker(): GuardedChecker {
  const checker = createSchemaChecker(createPatterns(patternMs));
  const thread = createOffload(new URL(`./json-schema-thread${import.meta.url.slice(-3)}`, import.meta.url), {
    what: "checks by a JSON Schema",
    limitMs,
  });
  const costs = new WeakMap<JsonSchema, SchemaCost>();
  const tolerated = new WeakSet<JsonSchema>();
  const slow = new Set<string>();

  const costOfKnown = (schema: JsonSchema): SchemaCost => {
    let cost = costs.get(schema);
    if (!cost) costs.set(schema, (cost = costOf(schema)));
    return cost;
  };
  const isQuick = (schema: JsonSchema): boolean => {
    const { isSimple, patterns } = costOfKnown(schema);
    return isSimple && !patterns.some((pattern) => slow.has(pattern));
  };
  const ask = (caller: string, schema: JsonSchema, subject?: SchemaTask["subject"]): Promise<unknown> =>
    thread.run(caller, {
      schema: JSON.stringify(schema),
      reading: tolerated.has(schema) ? "tolerant" : "strict",
      ...(subject ? { subject } : {}),
    } satisfies SchemaTask);
  const note = (patterns: readonly string[]): void => {
    if (slow.size >= mostSlow) slow.clear();
    for (const pattern of patterns) slow.add(pattern);
  };

  return {
    check(schema, value, caller = "") {
      if (isQuick(schema) && !hasMoreParts(value, costOfKnown(schema).mostParts)) {
        try {
          return checker.check(schema, value);
        } catch (error) {
          if (!(error instanceof WeftlineError && error.code === "WORK_TOO_LONG")) throw error;
          note(costOfKnown(schema).patterns);
        }
      }
      return ask(caller, schema, { value }) as Promise<readonly SchemaIssue[]>;
    },
    problemOf(schema, caller = "") {
      if (!isObject(schema) || isQuick(schema)) return checker.problemOf(schema);
      return ask(caller, schema).then(
        (problem) => problem as string | undefined,
        (error: unknown) => (error instanceof WeftlineError ? error.message : Promise.reject(error)),
      );
    },
    atOnce: {
      problemOf: (schema) => (isObject(schema) && !isQuick(schema) ? undefined : checker.problemOf(schema)),
      tolerate: (schema) => {
        tolerated.add(schema);
        return isQuick(schema) ? checker.tolerate(schema) : [];
      },
    },
    close: () => thread.close(),
  };
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
