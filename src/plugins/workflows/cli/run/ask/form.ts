/** A field of a form: one simple value. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  readonly kind: "text" | "number" | "whole" | "yesno" | "choice";
  /** Of a choice. */
  readonly choices: readonly (string | number | boolean)[];
  readonly isRequired: boolean;
  readonly initial?: unknown;
}

/** More fields than that are written as JSON. */
const maxFields = 12;

type Schema = Readonly<Record<string, unknown>>;

/**
 * The fields of a form for answers of a schema: those of an object of simple members, or one without a name for a simple value.
 *
 * @returns nothing where a form cannot ask for all that the schema allows: then the answer is written as JSON.
 */
export function formOf(schema: unknown): readonly FormField[] | undefined {
  if (!isSchema(schema)) return undefined;
  if (schema["type"] !== "object") {
    const field = fieldOf("", schema, true);
    return field && [field];
  }
  const { properties, required, additionalProperties } = schema;
  if (!isSchema(properties) || isSchema(additionalProperties)) return undefined;
  const needed = new Set(Array.isArray(required) ? (required as unknown[]) : []);
  if ([...needed].some((name) => typeof name !== "string" || !Object.hasOwn(properties, name))) return undefined;
  const fields = Object.entries(properties).map(([name, member]) => fieldOf(name, member, needed.has(name)));
  const known = fields.filter((field) => field !== undefined);
  return known.length === 0 || known.length < fields.length || known.length > maxFields ? undefined : known;
}

function fieldOf(name: string, schema: unknown, isRequired: boolean): FormField | undefined {
  if (!isSchema(schema)) return undefined;
  const { type, enum: choices, title, description, default: initial } = schema;
  const label = [title, description].find((text) => typeof text === "string" && text !== "") ?? (name || "Your answer");
  const field = { name, label: String(label), isRequired, choices: [], ...(isSimple(initial) ? { initial } : {}) };
  if (Array.isArray(choices)) {
    const simple = (choices as unknown[]).filter(isSimple);
    return simple.length === choices.length && simple.length > 0 ? { ...field, kind: "choice", choices: simple } : undefined;
  }
  const kinds = { string: "text", number: "number", integer: "whole", boolean: "yesno" } as const;
  const kind = typeof type === "string" && Object.hasOwn(kinds, type) ? kinds[type as keyof typeof kinds] : undefined;
  return kind && { ...field, kind };
}

function isSchema(value: unknown): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSimple(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** What is wrong with a text for a field, if anything is. */
export function fieldProblem({ kind, isRequired }: FormField, text: string): string | undefined {
  if (kind === "text") return undefined;
  if (text.trim() === "") return isRequired ? "This is needed." : undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return "This is not a number.";
  return kind === "whole" && !Number.isInteger(number) ? "This is not a whole number." : undefined;
}

/** The value of a text for a field; `undefined` leaves the field out. */
export function fieldValue({ kind, isRequired }: FormField, text: string): unknown {
  if (kind === "text") return text === "" && !isRequired ? undefined : text;
  return text.trim() === "" ? undefined : Number(text);
}

/** The answer that the values of the fields make. */
export function answerOf(fields: readonly FormField[], values: readonly unknown[]): unknown {
  if (fields.length === 1 && fields[0]?.name === "") return values[0];
  const entries = fields.map(({ name }, at) => [name, values[at]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** What is wrong with a text as JSON. */
export function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : "This is not JSON.";
  }
}
