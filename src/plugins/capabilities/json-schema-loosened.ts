import type { JsonSchema } from "./json-schema-dialects.ts";

/** Above so many properties a schema is not looked at property by property. */
const maxProperties = 64;
/** The most that is said of one problem, in characters. */
const maxWords = 200;

/** What of a schema can be checked, and in words what cannot. */
export interface LoosenedSchema {
  readonly schema: JsonSchema;
  readonly unchecked: readonly string[];
}

/**
 * Takes out of a schema what cannot be checked: a property at a time, so that only properties of the root grow looser; else all of it but
 * its type.
 *
 * @param problemOf why a schema cannot be checked, or nothing where it can
 */
export function loosened(given: JsonSchema, problemOf: (schema: JsonSchema) => string | undefined): LoosenedSchema {
  const { $schema, ...schema } = given;
  const unknown = problemOf({ ...($schema === undefined ? {} : { $schema }) });
  const start = unknown === undefined ? given : schema;
  const notes = unknown === undefined ? [] : [`${shortened(unknown)}; it is read as 2020-12`];
  const whole = problemOf(start);
  if (whole === undefined) return { schema: start, unchecked: notes };
  const { properties, ...rest } = start;
  const entries = propertiesOf(properties);
  if (entries !== undefined && problemOf({ ...rest, properties: anything(entries) }) === undefined) {
    const problems = entries.flatMap(([name, property]) => {
      const problem = problemOf({ ...rest, properties: { ...anything(entries), ...Object.fromEntries([[name, property]]) } });
      return problem === undefined ? [] : [{ name, problem }];
    });
    const bad = new Set(problems.map(({ name }) => name));
    const kept = { ...rest, properties: Object.fromEntries(entries.map(([name, property]) => [name, bad.has(name) ? true : property])) };
    if (problemOf(kept) === undefined) {
      const words = problems.map(({ name, problem }) => `"${name}" is not checked: ${shortened(problem)}`);
      return { schema: kept, unchecked: [...notes, ...words] };
    }
  }
  const { type } = start;
  return { schema: problemOf({ type }) === undefined ? { type } : {}, unchecked: [...notes, `it is not checked: ${shortened(whole)}`] };
}

function propertiesOf(properties: unknown): [string, unknown][] | undefined {
  if (typeof properties !== "object" || properties === null || Array.isArray(properties)) return undefined;
  const entries = Object.entries(properties);
  return entries.length > maxProperties ? undefined : entries;
}

function anything(entries: readonly [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(entries.map(([name]) => [name, true]));
}

function shortened(text: string): string {
  return text.length <= maxWords ? text : `${text.slice(0, maxWords)}…`;
}
