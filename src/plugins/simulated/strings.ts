import type { createPatterns } from "#weftline";
import type { JsonSchema } from "./request.ts";

type Patterns = ReturnType<typeof createPatterns>;

/** Where the strings of a sample come from. */
export interface StringSources {
  /** The words to search for formatted values, as in an address or a date. */
  readonly text: string;
  readonly quoted: readonly string[];
  readonly expression?: string;
  /** For properties that hold prose: an answer, a query. */
  readonly prose: string;
  /** For any other property. */
  readonly plain: string;
  /** Tests with the schema's patterns. */
  readonly patterns: Patterns;
}

const proseNames = new Set(
  "answer body comment content description explanation input message prompt q query question reason response result search summary task text thought thoughts title topic".split(
    " ",
  ),
);

const formats: Readonly<Record<string, { readonly find: RegExp; readonly plain: string }>> = {
  "date-time": { find: /\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)/, plain: "2025-01-01T00:00:00Z" },
  date: { find: /\d{4}-\d\d-\d\d/, plain: "2025-01-01" },
  time: { find: /\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)/, plain: "00:00:00Z" },
  duration: { find: /\bP(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?\b/, plain: "PT1H" },
  uri: { find: /https?:\/\/[^\s"'<>)]*[^\s"'<>).,;!?]/, plain: "https://example.com/" },
  email: { find: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/, plain: "someone@example.com" },
  uuid: { find: /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/i, plain: "00000000-0000-4000-8000-000000000000" },
  ipv4: { find: /\b\d{1,3}(?:\.\d{1,3}){3}\b/, plain: "127.0.0.1" },
  ipv6: { find: /\b[\da-f]{0,4}(?::[\da-f]{0,4}){3,7}\b/i, plain: "::1" },
  hostname: { find: /\b[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b/, plain: "example.com" },
};

/** Strings to try where a pattern refuses everything else. */
const tries = [
  ...Object.values(formats).map((format) => format.plain),
  ..."a A 0 1 ab AB abc ABC 00 000 0000 00000 01 a1 A1 AB1 ABC-123 a-b a_b a.b a/b /a 1.0 1.0.0 v1.0.0 #000000 +10000000000 00:00 12:00 en en-US USD example Example".split(
    " ",
  ),
];

/** A string of a schema. Of `quoted`, the one that was used is taken out. */
export function stringFor(
  name: string,
  schema: JsonSchema,
  said: string | undefined,
  sources: StringSources & { readonly quoted: string[] },
): string {
  const accepts = acceptance(schema, sources.patterns);
  const format = formats[formatOf(name, schema)];
  const own = [schema["default"], schema["example"], ...(Array.isArray(schema["examples"]) ? schema["examples"] : [])];
  const found = format?.find.exec(sources.text)?.[0];
  if (said !== undefined && accepts(said)) return said;
  if (name === "expression") return [sources.expression, sources.quoted.shift(), ...own].find(accepts) ?? "1 + 1";
  if (format) return [found, ...own].find(accepts) ?? firstAccepted([format.plain, ...tries], schema, accepts);
  const at = sources.quoted.findIndex(accepts);
  if (at >= 0) return sources.quoted.splice(at, 1)[0] ?? "";
  const value = own.find(accepts);
  if (value !== undefined) return value;
  return firstAccepted([proseNames.has(name.toLowerCase()) ? sources.prose : sources.plain, sources.plain, ...tries], schema, accepts);
}

function formatOf(name: string, schema: JsonSchema): string {
  const format = String(schema["format"] ?? "");
  if (format === "uri-reference" || format === "url" || format === "iri") return "uri";
  if (format !== "") return format;
  if (/^(?:url|uri|email|uuid)$/i.test(name)) return name.toLowerCase().replace("url", "uri");
  return "";
}

function firstAccepted(values: readonly string[], schema: JsonSchema, accepts: (value: unknown) => value is string): string {
  const fitted = values.map((value) => fit(value, schema));
  return fitted.find(accepts) ?? fitted[0] ?? "";
}

/** No string is padded to more. */
const longest = 10_000;

/** Cuts or pads a string to the lengths of its schema. */
function fit(value: string, schema: JsonSchema): string {
  const signs = [...value];
  const most = typeof schema["maxLength"] === "number" ? schema["maxLength"] : Infinity;
  const least = Math.min(typeof schema["minLength"] === "number" ? schema["minLength"] : 0, longest);
  if (signs.length > most) return signs.slice(0, most).join("");
  return signs.length < least ? value + (signs.at(-1) ?? "a").repeat(least - signs.length) : value;
}

function acceptance(schema: JsonSchema, patterns: Patterns): (value: unknown) => value is string {
  const matches = matcherOf(schema["pattern"], patterns);
  return (value): value is string => typeof value === "string" && fit(value, schema) === value && matches(value);
}

/** What is no pattern refuses nothing; one that takes too long refuses everything. */
function matcherOf(source: unknown, patterns: Patterns): (value: string) => boolean {
  if (typeof source !== "string") return () => true;
  let pattern: ReturnType<Patterns["compile"]>;
  try {
    pattern = patterns.compile(source, "u");
  } catch {
    return () => true;
  }
  return (value) => {
    try {
      return pattern.test(value);
    } catch {
      return false;
    }
  };
}
