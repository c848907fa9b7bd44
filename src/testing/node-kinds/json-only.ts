/** Where a value is not JSON, and what is there; nothing where it is JSON, or no value at all. */
export function nonJson(value: unknown): string | undefined {
  return value === undefined ? undefined : problemOf(value, "the output", new Set());
}

function problemOf(value: unknown, place: string, around: ReadonlySet<unknown>): string | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return undefined;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${place} is ${value}`;
  if (value === undefined) return `${place} is undefined`;
  if (typeof value !== "object") return `${place} is a ${typeof value}`;
  if (around.has(value)) return `${place} holds itself`;
  const within = new Set([...around, value]);
  if (Array.isArray(value)) return firstOf(value.map((each, at) => problemOf(each, `${place}[${at}]`, within)));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${place} is a ${value.constructor.name}`;
  return firstOf(Object.entries(value).map(([name, each]) => problemOf(each, `${place}.${name}`, within)));
}

function firstOf(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}
