import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import { Ajv2019 } from "ajv/dist/2019.js";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { createPatterns } from "#weftline";
import { checkableForm, type Dialect, type JsonSchema } from "./json-schema-dialects.ts";
import { loosened } from "./json-schema-loosened.ts";

export type { JsonSchema } from "./json-schema-dialects.ts";

/** One thing that is wrong with a value, and where. */
export interface SchemaIssue {
  readonly path: readonly string[];
  readonly message: string;
}

/** Checks values by JSON Schemas as they stand: nothing is converted, filled in or removed. */
export interface SchemaChecker {
  /**
   * What is wrong with the value; empty where nothing is. A schema that is itself wrong is an issue too.
   *
   * @throws WORK_TOO_LONG where its patterns take too long.
   */
  check(schema: JsonSchema, value: unknown): readonly SchemaIssue[];
  /** Why this is no JSON Schema, or nothing. */
  problemOf(schema: unknown): string | undefined;
  /**
   * Takes a schema as a third party wrote it: from now on, what of it cannot be checked is not checked.
   *
   * @returns what that is; empty where everything is checked.
   */
  tolerate(schema: JsonSchema): readonly string[];
}

type Compiled = { readonly validate: ValidateFunction } | { readonly problem: string };

// Formats are annotations, as the 2020-12 draft has them: an unknown one never refuses a value.
const options: Options = { allErrors: true, strict: false, validateFormats: false, logger: false };
// Whether something is a schema is asked seldom, so what takes long is writing the check, not running it.
const checkingSchemas: Options = { ...options, code: { optimize: false } };

/** What tests texts by the patterns of schemas. */
type SchemaPatterns = ReturnType<typeof createPatterns>;

/** A checker with a cache of its own, which holds a compiled schema as long as somebody holds the schema. */
export function createSchemaChecker(patterns: SchemaPatterns): SchemaChecker {
  // They know the dialects and are given nothing else: a schema that they kept could take the name of another, or of a dialect.
  const dialects = new Map<Dialect, Ajv | Ajv2019 | Ajv2020>();
  const cache = new WeakMap<JsonSchema, Compiled>();
  // By the standard patterns are Unicode patterns; many schemas have others, such as "^https\\:".
  const compilePattern: typeof patterns.compile = (source, flags) => {
    try {
      return patterns.compile(source, flags);
    } catch {
      return patterns.compile(source);
    }
  };
  const regExp = Object.assign(compilePattern, { code: "RegExp" });

  const compile = (given: JsonSchema): Compiled => {
    try {
      const { dialect, schema, ...read } = checkableForm(given);
      if ("unknownDialect" in read) return { problem: `its $schema is none of ${knownDialects}` };
      const known = dialects.get(dialect) ?? compilerOf(dialect, checkingSchemas);
      dialects.set(dialect, known);
      const alone: Options = { ...options, meta: false, validateSchema: false, code: { regExp } };
      void known.validateSchema(schema, true);
      const validate = compilerOf(dialect, alone).compile(schema);
      return "$async" in validate ? { problem: "$async is no keyword of JSON Schema" } : { validate };
    } catch (error) {
      return { problem: wordsOfError(error) };
    }
  };
  const compiled = (schema: JsonSchema): Compiled => {
    let known = cache.get(schema);
    if (!known) cache.set(schema, (known = compile(schema)));
    return known;
  };

  return {
    check(schema, value) {
      const known = compiled(schema);
      if ("problem" in known) return [{ path: [], message: `The schema is not valid: ${known.problem}` }];
      try {
        return patterns.within(() => known.validate(value)) ? [] : (known.validate.errors ?? []).map(issueOf);
      } catch (error) {
        if (codeOf(error) === "WORK_TOO_LONG") throw error;
        return [{ path: [], message: wordsOfError(error) }];
      }
    },
    problemOf(schema) {
      if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return "a JSON Schema is an object";
      const known = compiled(schema as JsonSchema);
      return "problem" in known ? known.problem : undefined;
    },
    tolerate(schema) {
      if (!("problem" in compiled(schema))) return [];
      const { schema: rest, unchecked } = loosened(schema, (part) => {
        const tried = compile(part);
        return "problem" in tried ? tried.problem : undefined;
      });
      cache.set(schema, compile(rest));
      return unchecked;
    },
  };
}

const knownDialects = "2020-12, 2019-09, draft-07, draft-06, draft-04";

function compilerOf(dialect: Dialect, alone: Options): Ajv | Ajv2019 | Ajv2020 {
  if (dialect === "draft-07") return new Ajv(alone);
  return dialect === "2019-09" ? new Ajv2019(alone) : new Ajv2020(alone);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function wordsOfError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a value may be, where the library's words leave that out. */
function wordsOf({ keyword, params, message }: ErrorObject): string {
  const allowed: unknown = params["allowedValues"];
  if (keyword === "enum" && Array.isArray(allowed))
    return `must be one of ${shortened(allowed.map((value) => JSON.stringify(value)).join(", "))}`;
  if (keyword === "const") return `must be ${shortened(JSON.stringify(params["allowedValue"]))}`;
  return message ?? `does not fit "${keyword}"`;
}

function shortened(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}…`;
}

function issueOf(error: ErrorObject): SchemaIssue {
  const path = error.instancePath
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const named: unknown = error.params["missingProperty"] ?? error.params["additionalProperty"];
  return { path: typeof named === "string" ? [...path, named] : path, message: wordsOf(error) };
}
