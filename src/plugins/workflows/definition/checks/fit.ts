import type { ValueType } from "#weftline";
import { isObject, type Problem } from "../fields.ts";
import type { JsonObject } from "../types.ts";

/** An expression in a value, by its path there, and what its value is. */
export interface TemplateType {
  readonly path: readonly string[];
  readonly type: ValueType;
}

/** More of one value nobody reads. */
const maxProblems = 100;

type CheckSchema = (
  schema: JsonObject,
  value: unknown,
) => Promise<readonly Problem[]> | readonly Problem[] | PromiseLike<readonly Problem[]>;

/** That a value is of the wrong type, whatever it is. */
const typeProblem = /^must be (string|number|integer|boolean|null|array|object)\b/;
/** That several schemas refuse a value: which of them was meant, what is not known yet may decide. */
const choiceProblem = /^must (match|NOT be valid|pass)/;

/**
 * What cannot fit a schema, whatever its expressions give: each stands there as an example of its type, and only its type is judged.
 *
 * @param value as it is written, with templates.
 */
export async function fitProblems(
  checkSchema: CheckSchema,
  schema: JsonObject,
  value: unknown,
  templates: readonly TemplateType[],
): Promise<readonly Problem[]> {
  const types = new Map(templates.map(({ path, type }) => [placeOf(path), type]));
  const found = (await checkSchema(schema, withExamples(value, "", types))).slice(0, maxProblems);
  const undecided = found.filter(({ path, message }) => choiceProblem.test(message) && templates.some((each) => isWithin(each.path, path)));
  return found.filter((problem) => {
    if (undecided.some(({ path }) => isWithin(problem.path, path))) return false;
    const template = templates.find(({ path }) => isWithin(problem.path, path));
    if (template) return template.type !== "dyn" && problem.path.length === template.path.length && typeProblem.test(problem.message);
    return !templates.some(({ path }) => isWithin(path, problem.path));
  });
}

function isWithin(path: readonly string[], outer: readonly string[]): boolean {
  return outer.every((part, at) => path[at] === part);
}

function exampleOf(type: ValueType): unknown {
  if (typeof type === "object") return "items" in type ? [] : {};
  const examples = { string: "", int: 0, double: 0, bool: true, null: null, dyn: null };
  return examples[type];
}

/** A copy in which each template is an example of its type. */
function withExamples(value: unknown, place: string, types: ReadonlyMap<string, ValueType>): unknown {
  const type = types.get(place);
  if (type !== undefined) return exampleOf(type);
  if (Array.isArray(value)) return value.map((each: unknown, at) => withExamples(each, `${place}${placeOf([String(at)])}`, types));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withExamples(each, `${place}${placeOf([name])}`, types)]));
}

function placeOf(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
