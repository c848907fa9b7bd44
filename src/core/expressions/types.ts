import type * as Cel from "@marcbachmann/cel-js";
import { isNode, literalMember } from "./cost.ts";
import { checked, environmentOf, invalidExpression, parsedBy } from "./language.ts";
import { messageOf } from "../errors.ts";

/** The type of a value, as far as it is known; `dyn` is any. */
export type ValueType = "dyn" | "string" | "int" | "double" | "bool" | "null" | ListType | ObjectType;

/** A list whose items are all of a type. */
export interface ListType {
  readonly items: ValueType;
}

/** A JSON object. */
export interface ObjectType {
  readonly members: Readonly<Record<string, ValueType>>;
  /** The type of members that `members` does not have; absent where there are no others. */
  readonly others?: ValueType;
}

/** Checks expressions against the types of their variables. */
export interface TypeChecker {
  /**
   * The type of the expression's value.
   *
   * @throws INVALID_INPUT saying what is wrong: a syntax error, an unknown variable, a member that an object does not have, an operation that the types
   * do not allow.
   */
  check(source: string, variables: Readonly<Record<string, ValueType>>): ValueType;
}

/** Macros whose first argument names a variable of their own. */
const bindingMacros = new Set(["map", "filter", "all", "exists", "exists_one", "bind"]);
const comparable = ["string", "int", "double", "bool", "list", "map"];

/**
 * A checker whose types are kept as long as it is.
 *
 * Members of objects are looked up here, before CEL sees the expression: CEL has no type for an object some members of which are known.
 */
export function createTypeChecker(): TypeChecker {
  const exact = new TypedEnvironment("closed objects are types");
  const lenient = new TypedEnvironment("objects are maps");
  return {
    check(source, variables) {
      try {
        return exact.check(source, variables);
      } catch (error) {
        // CEL compares, counts and searches maps, but no objects whose members it knows.
        if (!exact.isAboutObject(messageOf(error))) throw error;
        return lenient.check(source, variables);
      }
    },
  };
}

class TypedEnvironment {
  readonly #objects: "closed objects are types" | "objects are maps";
  readonly #environment: Cel.Environment;
  readonly #names = new Map<ObjectType, string>();
  readonly #types = new Map<string, ObjectType>();
  readonly #aliases = new Map<string, string>();

  constructor(objects: "closed objects are types" | "objects are maps") {
    this.#objects = objects;
    this.#environment = environmentOf({});
    // What an output may be where its node was skipped.
    for (const type of comparable) this.#environment.registerOperator(`${type} == null: bool`, (a, b) => a === b);
    // A number of JSON may be either.
    for (const signature of ["double == int: bool", "double in list<int>: bool", "int in list<double>: bool"])
      this.#environment.registerOperator(signature, () => false);
    for (const signature of ["double % double: double", "double % int: double", "int % double: double"])
      this.#environment.registerOperator(signature, (a: number) => a);
  }

  isAboutObject(message: string): boolean {
    return /\bObject_\d/.test(message);
  }

  check(source: string, variables: Readonly<Record<string, ValueType>>): ValueType {
    const { ast } = parsedBy(this.#environment, source);
    const replaced: Replacement[] = [];
    collect(ast, { variables, bound: boundIn(ast), aliasOf: (type) => this.#alias(type) }, replaced);
    const { parsed, type } = checked(this.#environment, withReplaced(source, replaced));
    return this.#typeOfLiteral(parsed.ast) ?? this.#typeNamed(type);
  }

  /** The type of an object that is written out: CEL has one type for all values of it. */
  #typeOfLiteral(ast: Cel.ASTNode): ObjectType | undefined {
    if (ast.op !== "map" || !ast.args.every(([key]) => key.op === "value" && typeof key.args === "string")) return undefined;
    return { members: Object.fromEntries(ast.args.map(([key, value]) => [String(key.args), this.#typeOfPart(value)])) };
  }

  #typeOfPart(part: Cel.ASTNode & { readonly checkedType?: { readonly name: string } }): ValueType {
    return this.#typeOfLiteral(part) ?? this.#typeNamed(part.checkedType?.name ?? "dyn");
  }

  /** A variable of a type: expressions are checked with such ones in place of their own. */
  #alias(type: ValueType): string {
    const name = this.#nameOf(type);
    const known = this.#aliases.get(name);
    if (known !== undefined) return known;
    const alias = `value_${this.#aliases.size}`;
    this.#aliases.set(name, alias);
    this.#environment.registerVariable(alias, name);
    return alias;
  }

  #nameOf(type: ValueType): string {
    if (typeof type === "string") return type;
    if ("items" in type) return `list<${this.#nameOf(type.items)}>`;
    if (this.#objects === "objects are maps" || type.others !== undefined) return `map<string, ${mapValue(type)}>`;
    const known = this.#names.get(type);
    if (known !== undefined) return known;
    const name = `Object_${this.#names.size}`;
    this.#names.set(type, name);
    this.#types.set(name, type);
    const fields = Object.fromEntries(Object.entries(type.members).map(([member, each]) => [member, this.#nameOf(each)]));
    this.#environment.registerType({ name, fields });
    return name;
  }

  #typeNamed(name: string): ValueType {
    switch (name) {
      case "string":
      case "int":
      case "double":
      case "bool":
      case "null":
        return name;
      case "google.protobuf.Timestamp":
        return "string";
      case "list":
        return { items: "dyn" };
      case "map":
        return { members: {}, others: "dyn" };
    }
    const [, kind, inner = ""] = /^(list|map)<(.+)>$/.exec(name) ?? [];
    if (kind === "list") return { items: this.#typeNamed(inner) };
    if (kind === "map") return { members: {}, others: this.#typeNamed(inner.slice(inner.indexOf(",") + 2)) };
    return this.#types.get(name) ?? "dyn";
  }
}

/** Of a map, as far as CEL knows one type of all its values. */
function mapValue({ members, others = "dyn" }: ObjectType): string {
  return typeof others === "string" && Object.keys(members).length === 0 ? others : "dyn";
}

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

interface Replacing {
  readonly variables: Readonly<Record<string, ValueType>>;
  /** Names that macros of the expression give to items. */
  readonly bound: ReadonlySet<string>;
  aliasOf(type: ValueType): string;
}

/** Replaces each variable, with the members of it that are known, by one of the type that it has. */
function collect(part: unknown, replacing: Replacing, replaced: Replacement[]): void {
  if (Array.isArray(part)) for (const each of part) collect(each, replacing, replaced);
  if (!isNode(part)) return;
  if (part.op === "call" && part.args[0] === "has") return collectOfHas(part.args[1], replacing, replaced);
  const type = typeOf(part, replacing);
  if (type === undefined) return collect(part.args, replacing, replaced);
  replaced.push({ start: part.start, end: part.end, text: replacing.aliasOf(type) });
}

/** `has(a.b)` asks whether there is a `b`, so that one is left. */
function collectOfHas([asked]: readonly Cel.ASTNode[], replacing: Replacing, replaced: Replacement[]): void {
  collect(asked?.args, replacing, replaced);
}

/** The type of a variable, or of a member of it that is known by name; nothing for anything else. @throws INVALID_INPUT for a member that is not there. */
function typeOf(node: Cel.ASTNode, replacing: Replacing): ValueType | undefined {
  const { variables, bound } = replacing;
  if (node.op === "id") return bound.has(node.args) || !Object.hasOwn(variables, node.args) ? undefined : variables[node.args];
  const member = literalMember(node);
  const object = member === undefined ? undefined : typeOf((node.args as [Cel.ASTNode, unknown])[0], replacing);
  if (member === undefined || typeof object !== "object" || "items" in object) return undefined;
  if (Object.hasOwn(object.members, member)) return object.members[member];
  if (object.others !== undefined) return object.others;
  const known = Object.keys(object.members);
  const shown = known.length > 20 ? [...known.slice(0, 20), "…"] : known;
  throw invalidExpression(`"${node.input.slice(node.start, node.end)}": there is no "${member}", ${listed(shown)}`);
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "the object has no members" : `only ${names.join(", ")}`;
}

function boundIn(ast: Cel.ASTNode): ReadonlySet<string> {
  const bound = new Set<string>();
  const walk = (part: unknown): void => {
    if (Array.isArray(part)) for (const each of part) walk(each);
    if (!isNode(part)) return;
    const first = part.op === "rcall" && bindingMacros.has(part.args[0]) && part.args[2].length > 1 ? part.args[2][0] : undefined;
    if (first?.op === "id") bound.add(first.args);
    walk(part.args);
  };
  walk(ast);
  return bound;
}

function withReplaced(source: string, replaced: readonly Replacement[]): string {
  let text = source;
  for (const each of replaced.toSorted((a, b) => b.start - a.start)) text = text.slice(0, each.start) + each.text + text.slice(each.end);
  return text;
}
