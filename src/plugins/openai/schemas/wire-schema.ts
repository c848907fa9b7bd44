type Schema = Readonly<Record<string, unknown>>;

/** What deeper schemas say is left out: they are for checking, and no model reads them. */
const maxDepth = 100;
/** What no provider takes at the root of a tool's parameters. */
const refusedAtRoot = ["anyOf", "oneOf", "allOf", "enum", "const", "not", "$ref"];
const ofSchemas = new Set(["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"]);
const listsOfSchemas = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const schemas = new Set(["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"]);

/**
 * A tool's schema as providers take it for its parameters: an object with its properties at the root, whatever the tool's own schema is. Arguments are
 * checked by that one; this tells a model what to write.
 *
 * @example wireSchema({ type: "object" }) // { type: "object", properties: {} }
 */
export function wireSchema(schema: unknown): Record<string, unknown> {
  const given = isSchema(schema) ? schema : {};
  const kept = Object.entries(given).filter(([key]) => !refusedAtRoot.includes(key));
  const { properties, required } = membersOf(given, { root: given, seen: new Set(), depth: 0 });
  const shape = { ...Object.fromEntries(kept), type: "object", properties, ...(required.length > 0 ? { required } : {}) };
  return plain(shape, 0) as Record<string, unknown>;
}

/** A schema of an answer as it is sent. Only an object's is made to fit: of another one the provider has to say itself whether it takes it. */
export function answerSchema(schema: Schema): Record<string, unknown> {
  return schema["type"] === "object" ? wireSchema(schema) : { ...schema };
}

/** What an object has by its schema, and by those that its schema refers to. */
interface Members {
  readonly properties: Schema;
  readonly required: readonly string[];
}

/** Where members are looked for. A schema is looked at once, so that those in a circle come to an end. */
interface Search {
  readonly root: Schema;
  readonly seen: Set<Schema>;
  readonly depth: number;
}

function membersOf(schema: unknown, { root, seen, depth }: Search): Members {
  if (!isSchema(schema) || depth > maxDepth || seen.has(schema)) return { properties: {}, required: [] };
  seen.add(schema);
  const inner = (each: unknown): Members => membersOf(each, { root, seen, depth: depth + 1 });
  const own = { properties: isSchema(schema["properties"]) ? schema["properties"] : {}, required: textsOf(schema["required"]) };
  const referred = typeof schema["$ref"] === "string" ? [inner(pointedAt(schema["$ref"], root))] : [];
  const all = [own, ...referred, ...listOf(schema["allOf"]).map(inner)];
  const choices = [schema["anyOf"], schema["oneOf"]].map((each) => listOf(each).map(inner)).filter(({ length }) => length > 0);
  return {
    properties: joined([...all, ...choices.flat()].map(({ properties }) => properties)),
    required: [...new Set([...all.flatMap(({ required }) => required), ...choices.flatMap(requiredByEach)])],
  };
}

function requiredByEach([first, ...others]: readonly Members[]): readonly string[] {
  return (first?.required ?? []).filter((name) => others.every(({ required }) => required.includes(name)));
}

/** A property that is told of in several ways may be each of them. */
function joined(each: readonly Schema[]): Schema {
  const ways = new Map<string, unknown[]>();
  for (const properties of each)
    for (const [name, schema] of Object.entries(properties)) {
      const known = ways.get(name) ?? [];
      if (!known.some((other) => JSON.stringify(other) === JSON.stringify(schema))) ways.set(name, [...known, schema]);
    }
  return Object.fromEntries([...ways].map(([name, some]) => [name, some.length === 1 ? some[0] : { anyOf: some }]));
}

/** What a reference within the schema points at. */
function pointedAt(reference: string, root: Schema): unknown {
  if (!reference.startsWith("#/")) return reference === "#" ? root : undefined;
  return reference
    .slice(2)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((at, part) => (isSchema(at) && Object.hasOwn(at, part) ? at[part] : undefined), root);
}

/** A schema without what only validators know: `true` for one, an array that says nothing of its items, items by their places. */
function plain(schema: unknown, depth: number): unknown {
  if (schema === false) return { not: {} };
  if (!isSchema(schema) || depth > maxDepth) return {};
  const types = [schema["type"]].flat();
  const made = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, plainKeyword(key, value, depth + 1)]));
  return {
    ...made,
    ...(types.includes("object") && made["properties"] === undefined ? { properties: {} } : {}),
    ...(types.includes("array") && made["items"] === undefined ? { items: {} } : {}),
  };
}

function plainKeyword(key: string, value: unknown, depth: number): unknown {
  if (key === "items" && Array.isArray(value)) return { anyOf: value.map((each) => plain(each, depth)) };
  if (ofSchemas.has(key) && isSchema(value))
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, depth)]));
  if (listsOfSchemas.has(key) && Array.isArray(value)) return value.map((each) => plain(each, depth));
  const isOpen = key === "additionalProperties" && typeof value === "boolean";
  return schemas.has(key) && !isOpen ? plain(value, depth) : value;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((each) => typeof each === "string");
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
