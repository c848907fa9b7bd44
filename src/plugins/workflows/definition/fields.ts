import { isBlank, isLonger, messageOf, plainJson } from "#weftline";
import { durationMs, maxDurationMs } from "./durations.ts";
import type { JsonObject } from "./types.ts";

/** One thing that is wrong with a definition, and where. */
export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/**
 * Reads the members of one object, one by one: what is wrong with one of them hides nothing of the others. A member that is null counts as absent, as
 * in the graph.
 */
export class Fields {
  readonly problems: Problem[];
  readonly path: readonly string[];
  readonly #object: JsonObject;

  /** @param problems where they are added. */
  constructor(object: JsonObject, path: readonly string[], problems: Problem[]) {
    this.#object = object;
    this.path = path;
    this.problems = problems;
  }

  /** The members of a value, or nothing where it is no object. */
  static of(value: unknown, path: readonly string[], problems: Problem[], what: string): Fields | undefined {
    if (isObject(value)) return new Fields(value, path, problems);
    problems.push({ path, message: `${what} is an object.` });
    return undefined;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined;
  }

  problem(name: string, message: string): undefined {
    this.problems.push({ path: [...this.path, name], message });
    return undefined;
  }

  /** Names those that nobody reads. */
  onlyKnown(known: readonly string[]): void {
    for (const [name, value] of Object.entries(this.#object))
      if (!known.includes(name) && value !== undefined) this.problem(name, `There is no "${name}" here, only ${known.join(", ")}.`);
  }

  text(name: string, max: number): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") return this.problem(name, "This is a text.");
    if (isBlank(value)) return this.problem(name, "Write at least one visible character.");
    if (isLonger(value, max)) return this.problem(name, `At most ${max} characters.`);
    return value;
  }

  number(name: string, { min, max, whole }: { readonly min: number; readonly max: number; readonly whole?: true }): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const isRight = typeof value === "number" && value >= min && value <= max && (!whole || Number.isInteger(value));
    return isRight ? value : this.problem(name, `This is a ${whole ? "whole " : ""}number from ${min} to ${max}.`);
  }

  flag(name: string): boolean | undefined {
    const value = this.get(name);
    return value === undefined || typeof value === "boolean" ? value : this.problem(name, "This is true or false.");
  }

  choice<const Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    return choices.find((choice) => choice === value) ?? this.problem(name, `This is one of ${choices.join(", ")}.`);
  }

  /** Milliseconds. */
  duration(
    name: string,
    max: { readonly ms: number; readonly words: string } = { ms: maxDurationMs, words: "a year" },
  ): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const ms = durationMs(value);
    if (ms === undefined) return this.problem(name, "This is a duration such as PT30S or P1D.");
    return ms <= max.ms ? ms : this.problem(name, `At most ${max.words}.`);
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.get(name);
    return value === undefined || Array.isArray(value) ? value : this.problem(name, "This is a list.");
  }

  /** A copy of an object, as JSON. */
  json(name: string, maxBytes: number, what: string): JsonObject | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) return this.problem(name, `${what} is a JSON object.`);
    try {
      const { value: copy, cut } = plainJson(value, maxBytes);
      const tooLarge = cut || Buffer.byteLength(JSON.stringify(copy)) > maxBytes;
      if (tooLarge) return this.problem(name, `${what} has at most ${maxBytes / 1_024} KiB of JSON.`);
      this.#forbidPrototypes(copy, [...this.path, name]);
      return copy as JsonObject;
    } catch (error) {
      return this.problem(name, messageOf(error));
    }
  }

  /** Schemas of zod drop a member of this name without a word. */
  #forbidPrototypes(value: unknown, path: readonly string[]): void {
    if (typeof value !== "object" || value === null) return;
    for (const [name, each] of Object.entries(value)) {
      if (name === "__proto__") this.problems.push({ path: [...path, name], message: 'No member can be named "__proto__": rename it.' });
      else this.#forbidPrototypes(each, [...path, name]);
    }
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
