import { plainTypes } from "./fields.ts";

const reason = "it names Python code, which is never run here: give the agent a tool of the platform, or leave it out";

/** Places of a definition that name Python code of the crew's own. */
export function pythonReferences(value: unknown, path: readonly string[] = []): string[] {
  if (Array.isArray(value)) return value.flatMap((each: unknown, index) => pythonReferences(each, [...path, String(index)]));
  if (typeof value === "object" && value !== null) {
    if (typeof (value as { readonly python?: unknown }).python === "string") return [`${path.join(".")}: ${reason}`];
    return Object.entries(value).flatMap(([key, each]) => pythonReferences(each, [...path, key]));
  }
  return typeof value === "string" && isReference(value, path) ? [`${path.join(".")}: ${reason}`] : [];
}

function isReference(value: string, path: readonly string[]): boolean {
  if (path.at(-1) === "type") return path.length < 5 && !path.includes("inputs") && !isSchemaPart(path) && !plainTypes.has(value);
  const inTools = path.at(-2) === "tools";
  return inTools && (value.startsWith("custom:") || /^[A-Za-z_][\w.]*:[A-Za-z_]\w*$/.test(value));
}

/** A JSON Schema has types of its own. */
function isSchemaPart(path: readonly string[]): boolean {
  return path.some((part) => part === "output_json" || part === "output_pydantic" || part === "response_model");
}
