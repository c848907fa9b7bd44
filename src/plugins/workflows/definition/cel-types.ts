import type { ObjectType, ValueType } from "#weftline";
import { isObject } from "./fields.ts";
import type { JsonObject } from "./types.ts";

const maxDepth = 12;
/** How many parts of one schema are looked at; what is behind them is of any type. */
const maxParts = 2_000;

/**
 * The type of the values that a JSON Schema allows, as far as expressions can be checked by it. What may be null counts as what it is otherwise: an
 * expression may compare it with null.
 */
export function valueTypeOf(schema: unknown): ValueType {
  return new SchemaReader(schema).typeOf(schema, 0);
}

class SchemaReader {
  readonly #root: unknown;
  #left = maxParts;

  constructor(root: unknown) {
    this.#root = root;
  }

  typeOf(schema: unknown, depth: number): ValueType {
    this.#left -= 1;
    if (!isObject(schema) || depth > maxDepth || this.#left < 0) return "dyn";
    if (typeof schema["$ref"] === "string") return this.#typeOfRef(schema["$ref"], depth);
    if ("const" in schema) return typeOfValue(schema["const"]);
    if (Array.isArray(schema["enum"])) return commonType(schema["enum"].map(typeOfValue));
    const alternatives = schema["anyOf"] ?? schema["oneOf"];
    if (Array.isArray(alternatives) && !("type" in schema) && !("properties" in schema))
      return commonType(alternatives.map((each) => this.typeOf(each, depth + 1)));
    // Several schemas at once: what they say together is not worked out.
    if (Array.isArray(schema["allOf"])) return "dyn";
    return this.#typeByName(schema, depth);
  }

  #typeByName(schema: JsonObject, depth: number): ValueType {
    const names = [schema["type"]].flat().filter((name) => name !== "null");
    if (names.length === 0 && schema["type"] !== undefined) return "null";
    if (names.length === 2 && names.includes("integer") && names.includes("number")) return "double";
    if (names.length !== 1) return "dyn";
    switch (names[0]) {
      case "string":
        return "string";
      case "integer":
        return "int";
      case "number":
        return "double";
      case "boolean":
        return "bool";
      case "array":
        return { items: "prefixItems" in schema ? "dyn" : this.typeOf(schema["items"], depth + 1) };
      case "object":
        return this.#objectType(schema, depth);
      default:
        return "dyn";
    }
  }

  #objectType(schema: JsonObject, depth: number): ObjectType {
    const { properties, patternProperties, additionalProperties } = schema;
    const entries = isObject(properties) ? Object.entries(properties) : [];
    const members = Object.fromEntries(entries.map(([name, each]) => [name, this.typeOf(each, depth + 1)]));
    // Alternatives beside members may bring others.
    const mayHaveOthers = isObject(patternProperties) || ["anyOf", "oneOf", "if", "dependentSchemas"].some((word) => word in schema);
    if (mayHaveOthers) return { members, others: "dyn" };
    const isClosed = additionalProperties === false || (additionalProperties === undefined && schema["unevaluatedProperties"] === false);
    return isClosed ? { members } : { members, others: this.typeOf(additionalProperties, depth + 1) };
  }

  /** Of a reference within the schema. */
  #typeOfRef(ref: string, depth: number): ValueType {
    if (!ref.startsWith("#")) return "dyn";
    let found: unknown = this.#root;
    for (const part of ref.slice(1).split("/").slice(1)) {
      const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
      found = isObject(found) && Object.hasOwn(found, name) ? found[name] : undefined;
    }
    return found === undefined ? "dyn" : this.typeOf(found, depth + 1);
  }
}

/** The type of a value of JSON. */
function typeOfValue(value: unknown): ValueType {
  switch (typeof value) {
    case "string":
      return "string";
    case "boolean":
      return "bool";
    case "number":
      return Number.isInteger(value) ? "int" : "double";
    default:
      return value === null ? "null" : "dyn";
  }
}

/** The type that all are of, null aside. */
function commonType(types: readonly ValueType[]): ValueType {
  const [first = "null", ...others] = types.filter((type) => type !== "null");
  return others.every((type) => isSame(type, first)) ? first : "dyn";
}

function isSame(a: ValueType, b: ValueType): boolean {
  return a === b || (typeof a !== "string" && JSON.stringify(a) === JSON.stringify(b));
}
