import { createSchemaChecker, type JsonSchema } from "./json-schema.ts";

/** A question about a schema, as a thread of its own is asked it. */
export interface SchemaTask {
  /** The schema as JSON: what was compiled is found by it. */
  readonly schema: string;
  /** Whether what of it cannot be checked is not checked. */
  readonly reading: "strict" | "tolerant";
  /** A value to check; without one, whether the schema is one. */
  readonly subject?: { readonly value: unknown };
}

const mostKept = 100;
const kept = new Map<string, JsonSchema>();
// Nothing here has to watch over its time: the thread is ended where it takes too long.
const checker = createSchemaChecker({ compile: (source, flags) => new RegExp(source, flags), within: (check) => check() });

/** Answers a {@link SchemaTask}. */
export function work(task: unknown): unknown {
  const { schema: json, reading, subject } = task as SchemaTask;
  const schema = keptSchema(json, reading);
  return subject ? checker.check(schema, subject.value) : checker.problemOf(schema);
}

function keptSchema(json: string, reading: SchemaTask["reading"]): JsonSchema {
  const key = `${reading} ${json}`;
  const known = kept.get(key);
  if (known) return known;
  const schema = JSON.parse(json) as JsonSchema;
  if (reading === "tolerant") checker.tolerate(schema);
  if (kept.size >= mostKept) kept.clear();
  kept.set(key, schema);
  return schema;
}
