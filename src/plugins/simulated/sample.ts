import { createPatterns } from "#weftline";
import { isRecord, type JsonSchema } from "./request.ts";
import { stringFor, type StringSources } from "./strings.ts";

/** Where the values of a sample come from. */
interface SampleSources extends Omit<StringSources, "patterns"> {
  readonly numbers: readonly number[];
}

/** A schema can ask for more than the memory holds. */
const mostValues = 1_000;

const impossible = Symbol("impossible");
type Sample = unknown;
type Visit = { readonly name: string; readonly schema: JsonSchema | boolean; readonly refs: readonly string[] };

/**
 * A small instance of a JSON Schema: required properties only, unless a text names an optional one.
 *
 * @returns `undefined` where the schema has no finite instance that this finds.
 */
export function sampleOf(schema: JsonSchema, sources: SampleSources): unknown {
  const numbers = [...sources.numbers];
  const patterns = createPatterns();
  const strings = { ...sources, quoted: [...sources.quoted], patterns };
  let visits = 0;
  const value = patterns.within(() => visit({ name: "", schema, refs: [] }));
  return value === impossible ? undefined : value;

  function visit(at: Visit): Sample {
    if (++visits > mostValues) return impossible;
    if (at.schema === false) return impossible;
    if (at.schema === true) return "";
    const reference = at.schema["$ref"];
    if (typeof reference === "string") {
      // A reference inside itself has no end; another alternative of the schema has to do.
      if (at.refs.includes(reference)) return impossible;
      const target = resolve(schema, reference);
      const { $ref: _, ...siblings } = at.schema;
      return target === undefined ? impossible : visit({ ...at, schema: merged(target, siblings), refs: [...at.refs, reference] });
    }
    for (const keyword of ["anyOf", "oneOf"]) {
      const options = at.schema[keyword];
      if (!Array.isArray(options)) continue;
      const { [keyword]: _, ...base } = at.schema;
      for (const option of options) {
        const tried = option === false ? impossible : visit({ ...at, schema: merged(base, isRecord(option) ? option : {}) });
        if (tried !== impossible) return tried;
      }
      return impossible;
    }
    const parts = at.schema["allOf"];
    if (Array.isArray(parts)) {
      const { allOf: _, ...base } = at.schema;
      const whole = parts.filter(isRecord).reduce<JsonSchema>((sum, part) => merged(sum, dereferenced(schema, part)), base);
      return visit({ ...at, schema: whole });
    }
    return plain(at.name, at.schema, at.refs);
  }

  function plain(name: string, at: JsonSchema, refs: readonly string[]): Sample {
    if ("const" in at) return at["const"];
    const type = typeOf(at);
    const said = saidFor(name, strings.text);
    const options = at["enum"];
    if (Array.isArray(options)) {
      const named = options.find((option) => typeof option === "string" && option !== "" && wordIn(option, said ?? strings.text));
      return named ?? (options.includes(at["default"]) ? at["default"] : options.length === 0 ? impossible : options[0]);
    }
    if (type === "integer" || type === "number") return numberFor(at, type, said);
    if (type === "boolean") return said === undefined ? (given(at, "boolean") ?? false) : /^(true|yes|on)$/i.test(said);
    if (type === "null") return null;
    if (type === "array") return arrayFor(name, at, refs);
    if (type === "object") return objectFor(at, refs);
    return stringFor(name, at, said, strings);
  }

  function numberFor(at: JsonSchema, type: string, said: string | undefined): Sample {
    const fits = (candidate: unknown): candidate is number => typeof candidate === "number" && inRange(at, type, candidate);
    if (said !== undefined && fits(Number(said))) return Number(said);
    const found = numbers.findIndex(fits);
    if (found >= 0) return numbers.splice(found, 1)[0];
    const fallback = given(at, "number");
    return fits(fallback) ? fallback : (numbersNear(at).find(fits) ?? impossible);
  }

  function arrayFor(name: string, at: JsonSchema, refs: readonly string[]): Sample {
    const fallback = at["default"] ?? (Array.isArray(at["examples"]) ? at["examples"][0] : undefined);
    if (Array.isArray(fallback)) return fallback;
    const tuple = Array.isArray(at["prefixItems"]) ? at["prefixItems"] : [];
    const items = isRecord(at["items"]) ? at["items"] : {};
    const waiting =
      typeOf(items) === "string" ? strings.quoted.length : typeOf(items) === "number" || typeOf(items) === "integer" ? numbers.length : 0;
    const wanted = Math.max(numberAt(at, "minItems") ?? 0, Math.min(waiting, numberAt(at, "maxItems") ?? waiting));
    const list: unknown[] = [];
    while (list.length < wanted) {
      const part: unknown = tuple[list.length] ?? items;
      const item = visit({ name, schema: isRecord(part) || typeof part === "boolean" ? part : {}, refs });
      if (item === impossible) return impossible;
      const isNew = at["uniqueItems"] !== true || !list.some((other) => JSON.stringify(other) === JSON.stringify(item));
      const unlike = isNew ? item : another(items, item, list.length);
      if (unlike === impossible) return impossible;
      list.push(unlike);
    }
    return list;
  }

  function objectFor(at: JsonSchema, refs: readonly string[]): Sample {
    const properties = isRecord(at["properties"]) ? at["properties"] : {};
    const required = new Set(Array.isArray(at["required"]) ? at["required"].map(String) : []);
    const entries: [string, unknown][] = [];
    for (const [name, property] of Object.entries(properties)) {
      if (!required.delete(name) && saidFor(name, strings.text) === undefined) continue;
      const sample = visit({ name, schema: isRecord(property) ? property : property !== false, refs });
      if (sample === impossible) return impossible;
      entries.push([name, sample]);
    }
    const rest = isRecord(at["additionalProperties"]) ? at["additionalProperties"] : true;
    for (const name of required) {
      const sample = visit({ name, schema: rest, refs });
      if (sample === impossible) return impossible;
      entries.push([name, sample]);
    }
    return Object.fromEntries(entries);
  }
}

function another(items: JsonSchema, value: unknown, index: number): unknown {
  const options = items["enum"];
  if (Array.isArray(options)) return options[index] ?? impossible;
  if (typeof value === "number") return value + index * (numberAt(items, "multipleOf") ?? 1);
  return typeof value === "string" ? `${value} ${index + 1}` : impossible;
}

function resolve(root: JsonSchema, reference: string): JsonSchema | undefined {
  if (!reference.startsWith("#")) return undefined;
  let at: unknown = root;
  for (const part of reference.slice(1).split("/").slice(1)) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    at = isRecord(at) ? at[key] : Array.isArray(at) ? at[Number(key)] : undefined;
  }
  return isRecord(at) ? at : undefined;
}

function dereferenced(root: JsonSchema, part: JsonSchema): JsonSchema {
  return typeof part["$ref"] === "string" ? (resolve(root, part["$ref"]) ?? part) : part;
}

function merged(a: JsonSchema, b: JsonSchema): JsonSchema {
  const list = (schema: JsonSchema, key: string): readonly unknown[] => (Array.isArray(schema[key]) ? schema[key] : []);
  const record = (schema: JsonSchema, key: string): JsonSchema => (isRecord(schema[key]) ? schema[key] : {});
  const required = [...list(a, "required"), ...list(b, "required")];
  const properties = { ...record(a, "properties"), ...record(b, "properties") };
  return { ...a, ...b, ...(required.length > 0 ? { required } : {}), ...(Object.keys(properties).length > 0 ? { properties } : {}) };
}

function typeOf(schema: JsonSchema): string {
  const type = schema["type"];
  if (typeof type === "string") return type;
  if (Array.isArray(type)) return String(type.find((one) => one !== "null") ?? "null");
  if ("properties" in schema || "required" in schema) return "object";
  if ("items" in schema || "prefixItems" in schema || "minItems" in schema) return "array";
  return "minimum" in schema || "maximum" in schema || "multipleOf" in schema ? "number" : "string";
}

/** The schema's own value of a type: its default, else its first example. */
function given(schema: JsonSchema, type: "number" | "boolean"): unknown {
  const examples = Array.isArray(schema["examples"]) ? schema["examples"] : [];
  return [schema["default"], schema["example"], ...examples].find((value) => typeof value === type);
}

function numberAt(schema: JsonSchema, key: string): number | undefined {
  const value = schema[key];
  return typeof value === "number" ? value : undefined;
}

function inRange(schema: JsonSchema, type: string, value: number): boolean {
  const step = numberAt(schema, "multipleOf");
  return (
    Number.isFinite(value) &&
    (type !== "integer" || Number.isInteger(value)) &&
    value >= (numberAt(schema, "minimum") ?? -Infinity) &&
    value <= (numberAt(schema, "maximum") ?? Infinity) &&
    value > (numberAt(schema, "exclusiveMinimum") ?? -Infinity) &&
    value < (numberAt(schema, "exclusiveMaximum") ?? Infinity) &&
    (step === undefined || Number.isInteger(value / step))
  );
}

function numbersNear(schema: JsonSchema): readonly number[] {
  const low = numberAt(schema, "minimum") ?? numberAt(schema, "exclusiveMinimum");
  const high = numberAt(schema, "maximum") ?? numberAt(schema, "exclusiveMaximum");
  const step = numberAt(schema, "multipleOf") ?? 1;
  const edges = [low, high].filter((edge) => edge !== undefined);
  const near = edges.flatMap((edge) => {
    const whole = Math.ceil(edge / step) * step;
    return [edge, whole, whole + step, whole - step, whole - 2 * step];
  });
  return [1, 0, ...near, ...(low !== undefined && high !== undefined ? [(low + high) / 2] : [])];
}

/** The value that a text gives to a name, as in `city: Berlin`. */
function saidFor(name: string, text: string): string | undefined {
  if (name === "") return undefined;
  const label = name.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  const match = new RegExp(`(?<![\\p{L}\\p{N}_])${label}\\s*[:=]\\s*(?:"([^"]+)"|([^\\s,;]+))`, "iu").exec(text);
  return match?.[1] ?? match?.[2]?.replace(/[.!?]+$/, "");
}

function wordIn(word: string, text: string): boolean {
  return new RegExp(`(?<![\\p{L}\\p{N}_])${word.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}(?![\\p{L}\\p{N}_])`, "iu").test(text);
}
