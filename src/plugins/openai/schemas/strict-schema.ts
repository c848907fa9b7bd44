type Schema = Readonly<Record<string, unknown>>;

const plain = new Set([
  "type",
  "title",
  "description",
  "enum",
  "const",
  "format",
  "pattern",
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minItems",
  "maxItems",
  "$ref",
  "$schema",
  "$defs",
  "definitions",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "anyOf",
]);

/**
 * Whether OpenAI's strict mode takes a schema, so that the answer is sure to fit: an object at the root, every property required, nothing
 * additional, and only the keywords that it knows.
 */
export function allowsStrict(schema: Schema): boolean {
  return schema["type"] === "object" && schema["anyOf"] === undefined && schema["$ref"] === undefined && fits(schema);
}

function fits(schema: unknown): boolean {
  if (!isSchema(schema) || !Object.keys(schema).every((key) => plain.has(key))) return false;
  const objectLike = schema["type"] === "object" || schema["properties"] !== undefined;
  return (
    (!objectLike || closed(schema)) &&
    valuesOf(schema["properties"]).every(fits) &&
    valuesOf(schema["$defs"]).every(fits) &&
    valuesOf(schema["definitions"]).every(fits) &&
    (Array.isArray(schema["anyOf"]) ? schema["anyOf"] : []).every(fits) &&
    (schema["items"] === undefined || fits(schema["items"]))
  );
}

/** Nothing additional, nothing optional. */
function closed(schema: Schema): boolean {
  const names = isSchema(schema["properties"]) ? Object.keys(schema["properties"]) : [];
  const required: unknown = schema["required"] ?? [];
  return schema["additionalProperties"] === false && Array.isArray(required) && names.every((name) => required.includes(name));
}

function valuesOf(value: unknown): unknown[] {
  return isSchema(value) ? Object.values(value) : [];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
