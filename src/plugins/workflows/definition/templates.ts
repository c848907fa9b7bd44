import type { StandardSchemaV1 } from "@standard-schema/spec";
import { asWeftlineError, loadExpressions, WeftlineError, type MaybePromise } from "#weftline";
import type { JsonObject } from "./types.ts";
import { templateText } from "./template-text.ts";

/** How the node stands that an expression names. */
export interface NodeResult {
  /** Null while there is none: the node was skipped, or it failed. */
  readonly output: unknown;
  /** As in `SUCCEEDED`. */
  readonly status: string;
  readonly error: unknown;
}

/** What expressions see. */
export interface ExpressionValues {
  readonly input: unknown;
  readonly nodes: Readonly<Record<string, NodeResult>>;
  /** What the runs of the tree remember in common; there where it is read. */
  readonly memory?: unknown;
  /** Inside a map or a loop; `item` under the name that the map gives it. */
  readonly [variable: string]: unknown;
}

/** Something of a definition that is compiled once and evaluated many times. */
export interface Compiled<Value> {
  /** Keys of the nodes that it names: it reads the results of no others. */
  readonly nodes: readonly string[];
  /** Whether it reads the memory. */
  readonly readsMemory: boolean;
  /**
   * At once where that cannot take long, and else on a thread of its own.
   *
   * @param caller whom it is evaluated for: where it may take long, callers have their turns.
   * @throws INVALID_INPUT where an expression has no value, WORK_TOO_LONG, RATE_LIMITED.
   */
  evaluate(values: ExpressionValues, caller: string): MaybePromise<Value>;
}

/** The settings of a node, with their expressions compiled. */
export type CompiledConfig = Compiled<JsonObject>;

/** A condition. */
export type CompiledCondition = Compiled<boolean>;

/** What the settings of a kind are, as far as they are compiled. */
interface Compilable {
  readonly config: StandardSchemaV1;
  readonly expressions?: readonly string[];
}

const language = loadExpressions("any");

/**
 * Compiles the settings of a node: validated by the kind's schema, with its defaults.
 *
 * @throws INVALID_INPUT where they are not valid.
 */
export async function compileConfig({ config: schema, expressions = [] }: Compilable, config: JsonObject): Promise<CompiledConfig> {
  const read = await schema["~standard"].validate(config);
  if (read.issues) throw new WeftlineError("INVALID_INPUT", { message: read.issues.map(({ message }) => message).join(" ") });
  if (!isPlain(read.value)) return compiled(partOf(read.value, "")) as CompiledConfig;
  const members = Object.entries(read.value).map(([name, value]): readonly [string, Part] => {
    const isExpression = expressions.includes(name) && typeof value === "string";
    return [name, isExpression ? expressionPart(value, name) : partOf(value, name)];
  });
  return compiled(objectPart(members)) as CompiledConfig;
}

/** Compiles an expression. @throws INVALID_INPUT */
export function compileExpression(source: string): Compiled<unknown> {
  return compiled(expressionPart(source, ""));
}

/** Compiles an expression whose value is true or false. @throws INVALID_INPUT */
export function compileCondition(source: string): CompiledCondition {
  const { evaluate, ...reads } = compileExpression(source);
  const checked = (value: unknown): boolean => {
    if (typeof value === "boolean") return value;
    throw new WeftlineError("INVALID_INPUT", { message: `The condition "${source}" is neither true nor false, but ${kindOf(value)}.` });
  };
  return { ...reads, evaluate: (values, caller) => mapMaybePromise(evaluate(values, caller), checked) };
}

/** A part of the settings: itself a constant, or something to evaluate. */
interface Part {
  readonly nodes: readonly string[];
  readonly readsMemory: boolean;
  readonly constant?: { readonly value: unknown };
  evaluate(values: ExpressionValues, caller: string): MaybePromise<unknown>;
}

function compiled(part: Part): Compiled<unknown> {
  return { nodes: [...new Set(part.nodes)], readsMemory: part.readsMemory, evaluate: (values, caller) => part.evaluate(values, caller) };
}

function constantPart(value: unknown): Part {
  return { nodes: [], readsMemory: false, constant: { value }, evaluate: () => value };
}

function partOf(value: unknown, place: string): Part {
  if (typeof value === "string") return textPart(value, place);
  if (Array.isArray(value)) return listPart(value.map((each, at) => partOf(each, `${place}[${at}]`)));
  if (!isPlain(value)) return constantPart(value);
  return objectPart(Object.entries(value).map(([name, each]) => [name, partOf(each, `${place}.${name}`)] as const));
}

/** Not what a schema made of the settings, such as a date. */
function isPlain(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function listPart(items: readonly Part[]): Part {
  if (items.every(({ constant }) => constant)) return constantPart(items.map(({ constant }) => constant?.value));
  return {
    nodes: items.flatMap(({ nodes }) => nodes),
    readsMemory: items.some(({ readsMemory }) => readsMemory),
    evaluate(values, caller) {
      const list = items.map((item) => item.evaluate(values, caller));
      return list.some(isPromise) ? Promise.all(list) : list;
    },
  };
}

function objectPart(members: readonly (readonly [name: string, part: Part])[]): Part {
  const names = members.map(([name]) => name);
  const list = listPart(members.map(([, part]) => part));
  const objectOf = (parts: readonly unknown[]): JsonObject => Object.fromEntries(names.map((name, at) => [name, parts[at]]));
  if (list.constant) return constantPart(objectOf(list.constant.value as readonly unknown[]));
  return {
    nodes: list.nodes,
    readsMemory: list.readsMemory,
    evaluate: (values, caller) => mapMaybePromise(list.evaluate(values, caller) as MaybePromise<readonly unknown[]>, objectOf),
  };
}

function textPart(text: string, place: string): Part {
  const read = templateText(text);
  if ("problem" in read) throw new WeftlineError("INVALID_INPUT", { message: read.problem });
  const [only] = read.parts;
  if (read.parts.length === 1 && only) return "text" in only ? constantPart(text) : expressionPart(only.expression, place);
  const list = listPart(read.parts.map((part) => ("text" in part ? constantPart(part.text) : expressionPart(part.expression, place))));
  return {
    nodes: list.nodes,
    readsMemory: list.readsMemory,
    evaluate: (values, caller) =>
      mapMaybePromise(list.evaluate(values, caller) as MaybePromise<readonly unknown[]>, (parts) => parts.map(textOf).join("")),
  };
}

function expressionPart(source: string, place: string): Part {
  const failed = (error: unknown): never => {
    const { code, message, details } = asWeftlineError(error);
    if (code !== "INVALID_INPUT") throw error;
    const where = place === "" ? `"${source}"` : `"${source}" in ${place}`;
    throw new WeftlineError(code, { ...details, message: message.replace("The expression", `The expression ${where}`) }, { cause: error });
  };
  try {
    const expression = language.compile(source);
    return {
      nodes: expression.membersOf("nodes"),
      readsMemory: expression.readsAllOf("memory") || expression.membersOf("memory").length > 0,
      evaluate(values, caller) {
        try {
          const value = expression.evaluate(values, caller);
          return isPromise(value) ? value.catch(failed) : value;
        } catch (error) {
          return failed(error);
        }
      },
    };
  } catch (error) {
    return failed(error);
  }
}

/** A value within a text: strings as they are, all else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function isPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}

function mapMaybePromise<In, Out>(value: MaybePromise<In>, map: (value: In) => Out): MaybePromise<Out> {
  return value instanceof Promise ? value.then(map) : map(value as In);
}
