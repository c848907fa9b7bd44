import type { UnitRecord } from "./units.ts";

/** A large value that stands apart from its unit: it is read when something needs it, once. */
export class LateValue {
  readonly #read: () => Promise<unknown>;
  #value: Promise<unknown> | undefined;

  constructor(read: () => Promise<unknown>) {
    this.#read = read;
  }

  get(): Promise<unknown> {
    return (this.#value ??= this.#read());
  }
}

/** A value, read where it is late. */
export async function knownValue(value: unknown): Promise<unknown> {
  return value instanceof LateValue ? value.get() : value;
}

/** A unit with all that it was given and gave. */
export async function knownUnit(unit: UnitRecord): Promise<UnitRecord> {
  const { input, output } = unit;
  if (!(input instanceof LateValue) && !(output instanceof LateValue)) return unit;
  return { ...unit, input: await knownValue(input), output: await knownValue(output) };
}
