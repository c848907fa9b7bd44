/** A JSON Schema of any dialect from draft-04 to 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The dialects that are compiled as they are; older ones are brought up to draft-07. */
export type Dialect = "2020-12" | "2019-09" | "draft-07";

/** A schema in a form that a validator takes. It means what the original means. */
export interface CheckableSchema {
  readonly dialect: Dialect;
  readonly schema: JsonSchema;
  /** The `$schema` that is not known here; such a schema is read as the newest dialect. */
  readonly unknownDialect?: unknown;
}

const named = /^https?:\/\/json-schema\.org\/(?:draft\/)?(?:(2020-12|2019-09|draft-07|draft-06|draft-04)\/)?schema#?$/;
const single = new Set(
  "additionalItems additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems unevaluatedProperties".split(
    " ",
  ),
);
const listed = new Set(["allOf", "anyOf", "oneOf", "prefixItems", "items"]);
const keyed = new Set(["$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"]);

/**
 * Reads a schema by the dialect that it names, or by what it uses: many name none, and mix the words of several.
 *
 * @example checkableForm({ type: "integer", minimum: 0, exclusiveMinimum: true }) // exclusiveMinimum: 0
 */
export function checkableForm({ $schema, ...schema }: JsonSchema): CheckableSchema {
  const [known, version] = $schema === undefined ? [""] : typeof $schema === "string" ? (named.exec($schema) ?? []) : [];
  const uses = { tuples: false, prefixItems: false };
  const converted = convert(schema, { uses, version }) as JsonSchema;
  return {
    dialect: dialectOf(version, uses),
    schema: converted,
    ...(known === undefined ? { unknownDialect: $schema } : {}),
  };
}

interface Uses {
  tuples: boolean;
  prefixItems: boolean;
}

/** 2019-09 knows everything that older dialects do, and tuples as `items`, which 2020-12 refuses. */
function dialectOf(version: string | undefined, { tuples, prefixItems }: Uses): Dialect {
  if (version === "draft-04" || version === "draft-06" || version === "draft-07") return "draft-07";
  return version === "2019-09" || (tuples && !prefixItems) ? "2019-09" : "2020-12";
}

interface Reading {
  readonly uses: Uses;
  readonly version: string | undefined;
}

function convert(schema: unknown, reading: Reading): unknown {
  if (!isObject(schema)) return schema;
  const { uses, version } = reading;
  uses.tuples ||= Array.isArray(schema["items"]);
  uses.prefixItems ||= "prefixItems" in schema;
  const entries = Object.entries(schema).map(([key, value]) => [key, subschemas(key, value, reading)] as const);
  return nullable(exclusive(identified(Object.fromEntries(entries), version)));
}

function subschemas(key: string, value: unknown, reading: Reading): unknown {
  if (listed.has(key) && Array.isArray(value)) return value.map((each) => convert(each, reading));
  if (keyed.has(key) && isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, convert(each, reading)]));
  return single.has(key) ? convert(value, reading) : value;
}

/** Draft-04 and OpenAPI 3.0 say with a boolean that a limit is exclusive. */
function exclusive(schema: Record<string, unknown>): Record<string, unknown> {
  for (const [limit, keyword] of [
    ["minimum", "exclusiveMinimum"],
    ["maximum", "exclusiveMaximum"],
  ] as const) {
    if (typeof schema[keyword] !== "boolean") continue;
    const { [keyword]: excludes, [limit]: value, ...rest } = schema;
    schema = { ...rest, ...(value === undefined ? {} : { [excludes ? keyword : limit]: value }) };
  }
  return schema;
}

/** OpenAPI 3.0 says with `nullable` that null is a value, too. */
function nullable(schema: Record<string, unknown>): Record<string, unknown> {
  if (!("nullable" in schema)) return schema;
  const { nullable: allowed, ...rest } = schema;
  if (allowed !== true) return rest;
  const { type, enum: values } = rest;
  const wider = {
    ...rest,
    ...(type === undefined ? {} : { type: [...new Set([type, "null"].flat())] }),
    ...(Array.isArray(values) && !values.includes(null) ? { enum: [...values, null] } : {}),
  };
  const elsewhere = ["$ref", "allOf", "anyOf", "oneOf", "const", "not"].some((keyword) => keyword in wider);
  return elsewhere ? { anyOf: [{ type: "null" }, wider] } : wider;
}

/** Draft-04 names schemas with `id`, which newer dialects do not know and the validator refuses. */
function identified({ id, ...schema }: Record<string, unknown>, version: string | undefined): Record<string, unknown> {
  return version === "draft-04" && typeof id === "string" ? { $id: id, ...schema } : schema;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
