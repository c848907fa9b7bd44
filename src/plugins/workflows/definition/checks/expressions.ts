import { createTypeChecker, loadExpressions, messageOf, type ObjectType, type TypeChecker, type ValueType } from "#weftline";
import type { Problem } from "../fields.ts";
import type { NodeDefinition } from "../types.ts";
import { unknownNode, type WorkflowGraph } from "./graph.ts";

const language = loadExpressions("any");

/** Where an expression stands. */
export interface ExpressionPlace {
  readonly node: NodeDefinition;
  readonly path: readonly string[];
  /** Variables besides `input`, `nodes` and `memory`: those of a map or a loop. */
  readonly variables?: Readonly<Record<string, ValueType>>;
  /** What its value has to be. */
  readonly expects?: "condition" | "list";
}

/** What an expression turned out to be. */
export interface CheckedExpression {
  readonly type: ValueType;
  readonly problems: readonly Problem[];
}

/** Checks expressions in the order in which their nodes run, so that the types of earlier outputs are known. */
export class ExpressionChecks {
  readonly #graph: WorkflowGraph;
  readonly #everywhere: Readonly<Record<string, ValueType>>;
  readonly #checker: TypeChecker = createTypeChecker();
  readonly #results: Record<string, ObjectType>;
  /** One object, since types are known by their identity. */
  readonly #nodes: ObjectType;

  /** @param everywhere variables of all expressions: `input`, and `memory` where there is one. */
  constructor(graph: WorkflowGraph, everywhere: Readonly<Record<string, ValueType>>) {
    this.#graph = graph;
    this.#results = Object.fromEntries(graph.nodes.map(({ key }) => [key, resultOf("dyn")]));
    this.#nodes = { members: this.#results };
    this.#everywhere = { ...everywhere, nodes: this.#nodes };
  }

  /** Tells the type of a node's output to the expressions that are checked from now on. */
  outputKnown({ key }: NodeDefinition, type: ValueType): void {
    this.#results[key] = resultOf(type);
  }

  check(source: string, place: ExpressionPlace): CheckedExpression {
    const { path } = place;
    const failed = (...messages: readonly string[]): CheckedExpression => ({
      type: "dyn",
      problems: messages.map((message) => ({ path, message })),
    });
    try {
      const expression = language.compile(source);
      const naming = this.#namingProblems(expression.membersOf("nodes"), place);
      if (expression.readsAllOf("nodes")) naming.push(`Name the node, as in nodes.${this.#graph.nodes[0]?.key ?? "plan"}.output.`);
      if (naming.length > 0) return failed(...naming);
      const type = this.#checker.check(source, { ...this.#everywhere, ...place.variables });
      const unexpected = unexpectedType(type, place.expects);
      return unexpected === undefined ? { type, problems: [] } : failed(unexpected);
    } catch (error) {
      return failed(this.#wordsOf(messageOf(error), place));
    }
  }

  #namingProblems(keys: readonly string[], { node }: ExpressionPlace): string[] {
    const upstream = this.#graph.upstreamOf(node);
    return [...new Set(keys)].flatMap((key) => {
      const unknown = unknownNode(this.#graph, key);
      if (unknown !== undefined) return [unknown];
      if (upstream.has(key)) return [];
      return [`"nodes.${key}" is not known here: "${node.key}" does not depend on "${key}", neither itself nor by others.`];
    });
  }

  #wordsOf(message: string, { variables = {} }: ExpressionPlace): string {
    if (!message.includes("Unknown variable")) return message;
    const hasMemory = "memory" in this.#everywhere;
    if (!hasMemory && /Unknown variable: memory\b/.test(message))
      return '"memory" is not known here: no plugin provides it. Add the plugin memory, or leave the expression out.';
    return `${message} There are ${["input", "nodes", ...(hasMemory ? ["memory"] : []), ...Object.keys(variables)].join(", ")}.`;
  }
}

function resultOf(output: ValueType): ObjectType {
  return { members: { output, status: "string", error: "dyn" } };
}

function unexpectedType(type: ValueType, expects: ExpressionPlace["expects"]): string | undefined {
  if (expects === undefined || type === "dyn") return undefined;
  if (expects === "condition") return type === "bool" ? undefined : `A condition is true or false; this is ${typeName(type)}.`;
  return typeof type === "object" && "items" in type ? undefined : `This has to be a list; it is ${typeName(type)}.`;
}

/** A type in words. */
export function typeName(type: ValueType): string {
  if (typeof type === "object") return "items" in type ? "a list" : "an object";
  const names = { dyn: "any value", string: "a text", int: "a whole number", double: "a number", bool: "true or false", null: "null" };
  return names[type];
}
